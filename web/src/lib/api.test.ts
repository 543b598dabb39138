import { afterEach, beforeEach, expect, test, vi } from "vitest";

type Api = typeof import("./api");
type Tokens = typeof import("./tokens");

let asked: { method: string; path: string; token: string | null }[];
let answers: (() => Response | Promise<Response>)[];
let api: Api["api"];
let tokens: Tokens;

const loggedIn = (token: string, seconds = 600): Response =>
  Response.json({ user: { id: "1" }, access_token: token, refresh_token: null, expires_in: seconds });
const problem = (status: number, detail: string, headers: Record<string, string> = {}, kind = `k${status}`): Response =>
  new Response(JSON.stringify({ type: `https://photovault.dev/problems/${kind}`, detail, status }), {
    status,
    headers: { "Content-Type": "application/problem+json", ...headers },
  });

beforeEach(async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 50 });
  vi.resetModules();
  asked = [];
  answers = [];
  const kept = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
  vi.stubGlobal("navigator", { onLine: true }); // which Node 20 does not have
  vi.stubGlobal("fetch", async (address: URL, init: RequestInit) => {
    const token = new Headers(init.headers).get("authorization")?.replace("Bearer ", "") ?? null;
    asked.push({ method: init.method ?? "GET", path: address.pathname, token });
    const answer = answers.shift();
    if (!answer) throw new Error("nothing more was to be asked");
    return answer();
  });
  tokens = await import("./tokens");
  ({ api } = await import("./api"));
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a problem is a sentence, with what is wrong with each field", async () => {
  const errors = [{ field: "email", message: "that is no address" }];
  answers = [() => Response.json({ detail: "email: that is no address", errors }, { status: 422 })];
  const thrown = await api.post("/auth/logout").catch((error: unknown) => error);
  expect(thrown).toMatchObject({ message: "Email: that is no address.", fields: { email: "That is no address." } });
});

test("reading is tried again while the server stumbles, and changing is not", async () => {
  answers = [() => problem(503, ""), () => Promise.reject(new TypeError("Failed to fetch")), () => Response.json({})];
  await expect(api.get("/dashboard/stats")).resolves.toEqual({});
  answers = [() => problem(503, "Later.")];
  await expect(api.post("/images/trash", { body: { image_ids: [] } })).rejects.toThrow("Later.");
  answers = [() => problem(404, "Not found")];
  await expect(api.get("/dashboard/stats")).rejects.toThrow("This is not here any more.");
  expect(asked).toHaveLength(5);
});

test("somebody who was never here asks for no session", async () => {
  answers = [() => Response.json({})];
  await api.get("/dashboard/stats");
  expect(asked).toEqual([{ method: "GET", path: "/dashboard/stats", token: null }]);
});

test("requests that meet a spent token renew it once and go on", async () => {
  tokens.take((await loggedIn("old").json()) as Parameters<Tokens["take"]>[0]);
  const refused = (): Response => problem(401, "The token has expired.");
  const later = async (): Promise<Response> => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return loggedIn("new");
  };
  answers = [refused, refused, later, () => Response.json({}), () => Response.json({})];
  await Promise.all([api.get("/dashboard/stats"), api.get("/labels")]);
  expect(asked.map(({ path, token }) => `${path} ${token}`)).toEqual([
    "/dashboard/stats old",
    "/labels old",
    "/auth/refresh null",
    "/dashboard/stats new",
    "/labels new",
  ]);
});

test.each(["second-factor-needed", "second-factor-wrong", "password-wrong"])(
  "a proof that is missing or wrong (%s) says nothing about the session",
  async (kind) => {
    tokens.take((await loggedIn("good").json()) as Parameters<Tokens["take"]>[0]);
    const ended = vi.fn();
    tokens.onEnd(ended);
    answers = [() => problem(401, "Wrong.", {}, kind)];
    await expect(api.delete("/auth/totp", { body: { password: "1" } })).rejects.toMatchObject({ kind });
    expect(asked).toHaveLength(1);
    expect(ended).not.toHaveBeenCalled();
    expect(tokens.isRemembered()).toBe(true);
  },
);

test("a token is renewed ahead of its end, and a session that has ended is said to have", async () => {
  tokens.take((await loggedIn("old", 5).json()) as Parameters<Tokens["take"]>[0]);
  const ended = vi.fn();
  tokens.onEnd(ended);
  answers = [() => loggedIn("new", 5), () => Response.json({})];
  await api.get("/dashboard/stats");
  expect(asked.map(({ token }) => token)).toEqual([null, "new"]);
  answers = [() => problem(401, "Over."), () => problem(401, "Log in.")];
  await expect(api.get("/dashboard/stats")).rejects.toThrow("Log in.");
  expect(ended).toHaveBeenCalledOnce();
  expect(tokens.isRemembered()).toBe(false);
});

test("a page of one person is never served by the session of another, who has logged in meanwhile", async () => {
  tokens.take((await loggedIn("ada's", 5).json()) as Parameters<Tokens["take"]>[0]);
  const ended = vi.fn();
  tokens.onEnd(ended);
  const eve = (): Response =>
    Response.json({ user: { id: "2" }, access_token: "eve's", refresh_token: null, expires_in: 600 });
  answers = [eve, () => problem(401, "Log in.")];
  await expect(api.post("/images/trash", { body: { image_ids: [] } })).rejects.toThrow("Log in.");
  expect(asked.map(({ token }) => token)).toEqual([null, null]);
  expect(ended).toHaveBeenCalledExactlyOnceWith("somebody else");
  expect(tokens.isRemembered()).toBe(true);
});

test("a session is kept while the server cannot be asked for it", async () => {
  tokens.take((await loggedIn("old", 0).json()) as Parameters<Tokens["take"]>[0]);
  answers = [() => Promise.reject(new TypeError("Failed to fetch"))];
  await expect(api.post("/auth/logout")).rejects.toThrow("cannot be reached");
  expect(tokens.isRemembered()).toBe(true);
});

test("a session that is left while its token is renewed is not taken up again", async () => {
  tokens.take((await loggedIn("old").json()) as Parameters<Tokens["take"]>[0]);
  answers = [() => loggedIn("new")];
  const renewed = tokens.restore();
  tokens.forget();
  await expect(renewed).resolves.toBeNull();
  expect(tokens.isRemembered()).toBe(false);
});
