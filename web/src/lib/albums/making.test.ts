import { beforeEach, expect, test, vi } from "vitest";

import { MOST } from "../photos/actions";
import { Making } from "./making";

const asked = vi.hoisted(() => ({ of: [] as { what: string; title?: string; ids: number; once?: string }[] }));
const failing = vi.hoisted(() => ({ at: new Set<number>() }));

vi.mock("../api", () => {
  const answer =
    (method: string) =>
    async (path: string, { body, once }: { body: { title?: string; image_ids?: string[] }; once?: string }) => {
      const what = `${method} ${path}`;
      asked.of.push({
        what,
        ids: body.image_ids?.length ?? 0,
        ...(body.title && { title: body.title }),
        ...(once && { once }),
      });
      if (failing.at.has(asked.of.length)) throw new Error("no answer");
      return { id: "album", title: body.title ?? "as it was" };
    };
  return { api: { post: answer("POST"), put: answer("PUT"), patch: answer("PATCH") } };
});

const MADE = "POST /albums/manual";
const FILLED = "PUT /albums/{album_id}/images";
const photos = Array.from({ length: 2 * MOST + 1 }, (_, n) => `photo ${n}`);

beforeEach(() => {
  asked.of = [];
  failing.at.clear();
});

test("any number of photos become one album", async () => {
  await new Making().make("Summer", photos);
  expect(asked.of.map(({ what, ids }) => [what, ids])).toEqual([
    [MADE, MOST],
    [FILLED, MOST],
    [FILLED, 1],
  ]);
});

test("what fails after the first thousand is gone on with in the album that was made", async () => {
  failing.at = new Set([3]);
  const making = new Making();
  await expect(making.make("Summer", photos)).rejects.toThrow();
  await making.make("Summer", photos);
  expect(asked.of.map(({ what }) => what)).toEqual([MADE, FILLED, FILLED, FILLED, FILLED]);
});

test("another title meanwhile renames the album that was made", async () => {
  failing.at = new Set([2]);
  const making = new Making();
  await expect(making.make("Summer", photos)).rejects.toThrow();
  await making.make("Winter", photos);
  expect(asked.of.slice(2).map(({ what, title }) => [what, title])).toEqual([
    ["PATCH /albums/{album_id}", "Winter"],
    [FILLED, undefined],
    [FILLED, undefined],
  ]);
});

test("where no answer came the same request is sent again, and another one for other photos or another title", async () => {
  failing.at = new Set([1, 2, 3]);
  const making = new Making();
  for (const [title, ids] of [
    ["Summer", ["a"]],
    ["Summer", ["a"]],
    ["Winter", ["a"]],
  ] as const) {
    await expect(making.make(title, ids)).rejects.toThrow();
  }
  await making.make("Winter", ["b"]);
  const [first, again, other, others] = asked.of.map(({ once }) => once);
  expect(again).toBe(first);
  expect(new Set([first, other, others]).size).toBe(3);
});

test("an album of the same title and photos is made again when that is asked for again", async () => {
  const making = new Making();
  await making.make("Summer", ["a"]);
  await making.make("Summer", ["a"]);
  expect(asked.of.map(({ what }) => what)).toEqual([MADE, MADE]);
  expect(asked.of[0]?.once).not.toBe(asked.of[1]?.once);
});
