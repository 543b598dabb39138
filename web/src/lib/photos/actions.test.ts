import { expect, test, vi } from "vitest";

import { purge } from "./actions";
import type { Source } from "./source.svelte";

const asked = vi.hoisted(() => [] as string[]);

vi.mock("../api", () => ({
  api: { delete: async (_: string, { path }: { path: { image_id: string } }) => asked.push(path.image_id) },
}));
vi.mock("../ui/toasts.svelte", () => ({ toasts: { done: () => undefined } }));

test("photos that are destroyed one by one are destroyed no further when somebody stops it", async () => {
  const stop = new AbortController();
  const gone = (id: string): void => void (id === "two" && stop.abort());
  const source = { remove: () => undefined } as unknown as Source;
  await expect(purge(source, ["one", "two", "three"], gone, stop.signal)).rejects.toThrow(/abort/i);
  expect(asked).toEqual(["one", "two"]);
});
