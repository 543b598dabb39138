import { expect, test } from "vitest";

import { Problem } from "../problems";
import { Asking, wrongAt } from "./asking.svelte";
import { endOf, outcomeOf, passwordChanged, programsOf, providersOf, type Delivery } from "./words";

const now = new Date("2026-05-01T12:00:00Z");
const delivery: Delivery = {
  id: "1",
  event: "image.ready",
  state: "waiting",
  attempts: 0,
  next_attempt_at: null,
  last_attempt_at: null,
  last_status: null,
  last_trouble: null,
  created_at: "2026-05-01T12:00:00Z",
};

test("a key ends after so many days, at the end of a day, or never", () => {
  expect(endOf(30, "", now)).toBe("2026-05-31T12:00:00.000Z");
  expect(endOf("day", "2031-01-02", now)).toBe(new Date(2031, 0, 2, 23, 59, 59).toISOString());
  expect(endOf("never", "2031-01-02", now)).toBeNull();
});

test("what became of a post is a sentence", () => {
  expect(outcomeOf(delivery)).toBe("On its way");
  expect(outcomeOf({ ...delivery, attempts: 1, last_status: 500 })).toBe("Not yet, the answer was 500");
  expect(outcomeOf({ ...delivery, state: "failed", attempts: 7, last_trouble: "no answer within 10 seconds" })).toBe(
    "Did not arrive: no answer within 10 seconds",
  );
  expect(outcomeOf({ ...delivery, state: "delivered", attempts: 1, last_status: 204 })).toBe("Arrived");
});

test("another password says who was logged out, and what ended or goes on", () => {
  const none = {
    sessions_ended: 0,
    api_keys: 0,
    webhooks: 0,
    shares: 0,
    api_keys_revoked: 0,
    webhooks_removed: 0,
    shares_revoked: 0,
  };
  expect(passwordChanged(none)).toBe("Your password is changed.");
  expect(passwordChanged({ ...none, sessions_ended: 1, api_keys: 2, webhooks: 1 })).toBe(
    "Your password is changed. One other device is logged out. 2 API keys and 1 webhook go on.",
  );
  expect(passwordChanged({ ...none, sessions_ended: 2, api_keys_revoked: 2, webhooks: 1 })).toBe(
    "Your password is changed. 2 other devices are logged out. 2 API keys ended with it. 1 webhook goes on.",
  );
  expect(passwordChanged({ ...none, shares_revoked: 1, api_keys: 1, webhooks: 2, shares: 3 })).toBe(
    "Your password is changed. 1 shared link ended with it. 1 API key, 2 webhooks and 3 shared links go on.",
  );
});

test("what programs have is told by name, a few of many", () => {
  expect(programsOf(["NAS"], "my API key", "my API keys")).toBe("my API key (NAS)");
  expect(programsOf(["a", "b", "c", "d", "e"], "my webhook", "my webhooks")).toBe("my webhooks (a, b, c and 2 more)");
});

test("a provider without words is called by its name", () => {
  expect(providersOf({ storage: "s3", sound: "loud" })).toEqual([
    { what: "Sealed files lie in", who: "a bucket of S3" },
    { what: "sound", who: "loud" },
  ]);
});

test("a problem stands at its field", () => {
  const named = new Problem("No.", { status: 422, kind: "invalid", fields: { "scopes.0": "Is no scope." } });
  expect(wrongAt("scopes", named)).toBe("Is no scope.");
  expect(wrongAt("name", named)).toBeUndefined();
  expect(wrongAt("password", new Problem("The password is wrong.", { kind: "password-wrong" }))).toBe(
    "The password is wrong.",
  );
  const needed = new Problem("Send `code`, too.", { kind: "second-factor-needed" });
  expect(wrongAt("code", needed)).toBe("Type the code of your authenticator, or a recovery code.");
});

test("what belongs to no field is said below the form, once", async () => {
  const asking = new Asking(["email", "password"], "email");
  const fail = (problem: Problem) => asking.run(() => Promise.reject(problem));
  expect(await fail(new Problem("There is an account.", { kind: "conflict" }))).toBe(false);
  expect([asking.at("email"), asking.rest, asking.busy]).toEqual(["There is an account.", null, false]);
  await fail(new Problem("Later.", { kind: "unavailable" }));
  expect([asking.at("email"), asking.rest]).toEqual([undefined, "Later."]);
  expect(await asking.run(() => Promise.resolve())).toBe(true);
  expect(asking.rest).toBeNull();
});

test("a form is sent once at a time", async () => {
  const asking = new Asking();
  let ends = (): void => {};
  const first = asking.run(() => new Promise<void>((resolve) => (ends = resolve)));
  expect(await asking.run(() => Promise.resolve())).toBe(false);
  ends();
  expect(await first).toBe(true);
});
