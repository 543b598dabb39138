import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllGlobals();
});

test("messages about somebody's photos go with their session", async () => {
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => {}, removeItem: () => {} });
  const { session } = await import("../session.svelte");
  const { toasts } = await import("./toasts.svelte");
  toasts.failed(new Error("“A secret” could not be renamed."), { label: "Try again", run: () => {} });
  expect(toasts.shown).toHaveLength(1);
  await session.end("Over.");
  expect(toasts.shown).toEqual([]);
  toasts.done("“A secret” is shared."); // by a request that was still on its way
  expect(toasts.shown).toEqual([]);
});
