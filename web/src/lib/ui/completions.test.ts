import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Problem } from "../problems";
import { Completions } from "./completions.svelte";

/** Answers that come when the test says so, by the texts that they are for. */
const answers = new Map<string, { give: (found: string[]) => void; fail: (error: unknown) => void }>();
const look = vi.fn(
  (text: string) =>
    new Promise<string[]>((give, fail) => {
      answers.set(text, { give, fail });
    }),
);
let completions: Completions<string>;

beforeEach(() => {
  vi.useFakeTimers();
  look.mockClear();
  completions = new Completions<string>(look);
});
afterEach(() => vi.useRealTimers());

async function rested(text: string, found?: string[]): Promise<void> {
  completions.type(text);
  await vi.advanceTimersByTimeAsync(1000);
  answers.get(text)?.give(found ?? []);
  await vi.advanceTimersByTimeAsync(0);
}

test("they are asked for once the typing rests, and not for nothing", async () => {
  completions.type("l");
  completions.type("li");
  expect(look).not.toHaveBeenCalled();
  await rested("lis", ["Lisbon"]);
  expect(look.mock.calls.map(([text]) => text)).toEqual(["lis"]);
  expect([completions.isOpen, completions.found]).toEqual([true, ["Lisbon"]]);
  await rested(" ");
  expect([completions.isOpen, look.mock.calls.length]).toEqual([false, 1]);
});

test("what there is before anything is typed goes with the first letter", async () => {
  completions = new Completions<string>(look, true);
  await rested("", ["lima 2024"]);
  expect(completions.found).toEqual(["lima 2024"]);
  completions.type("l");
  expect(completions.isOpen).toBe(false);
});

test("an answer that comes late for what was typed before is dropped, and so is one to a list that was closed", async () => {
  await rested("l");
  completions.type("li");
  await vi.advanceTimersByTimeAsync(1000);
  await rested("lis", ["Lisbon"]);
  answers.get("li")?.give(["Lima"]);
  await vi.advanceTimersByTimeAsync(0);
  expect(completions.found).toEqual(["Lisbon"]);

  completions.type("lisb");
  await vi.advanceTimersByTimeAsync(1000);
  completions.close();
  answers.get("lisb")?.fail(new Problem("Away."));
  await vi.advanceTimersByTimeAsync(0);
  expect(completions.isShown).toBe(false);
});

test("a failure is a sentence until more is typed", async () => {
  await rested("lis", ["Lisbon"]);
  completions.type("lisb");
  await vi.advanceTimersByTimeAsync(1000);
  answers.get("lisb")?.fail(new Problem("You are offline."));
  await vi.advanceTimersByTimeAsync(0);
  expect([completions.problem, completions.isOpen]).toEqual(["You are offline.", false]);
  completions.type("lisbo");
  expect(completions.problem).toBe(null);
});

test("keys go round through all of them and what was typed", async () => {
  await rested("l", ["Lima", "Lisbon"]);
  const places = [1, 1, 1, -1, -1].map((by) => (completions.step(by as 1 | -1), completions.chosen));
  expect(places).toEqual(["Lima", "Lisbon", undefined, "Lisbon", "Lima"]);
});

test("a list that was closed comes back with a key, and not when the text is another one", async () => {
  await rested("l", ["Lima", "Lisbon"]);
  completions.close();
  expect(completions.isShown).toBe(false);
  completions.step(-1);
  expect([completions.isOpen, completions.chosen]).toEqual([true, "Lisbon"]);
  completions.forget("Lisbon");
  completions.step(1);
  expect([completions.isOpen, completions.chosen]).toEqual([false, undefined]);
});
