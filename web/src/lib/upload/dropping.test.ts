import { expect, test } from "vitest";

import type { Chosen } from "./chosen";
import { dropping } from "./dropping.svelte";

const file = (path: string): Chosen => ({ file: new File(["x"], path.split("/").pop() as string), path });

test("a page takes a single file, whatever it is; several and folders are for the vault", () => {
  const taken: string[] = [];
  expect(dropping.took([file("leaf.jpg")])).toBe(false);
  const end = dropping.take({ says: "Drop a picture here", take: ({ name }) => taken.push(name) });
  expect(dropping.took([file("leaf.jpg")])).toBe(true);
  for (const chosen of [[], [file("a.jpg"), file("b.jpg")], [file("2024/a.jpg")]]) {
    expect(dropping.took(chosen)).toBe(false);
  }
  end();
  expect(dropping.took([file("leaf.jpg")])).toBe(false);
  expect(taken).toEqual(["leaf.jpg"]);
});

test("a page that is left does not end what the next one began", () => {
  const end = dropping.take({ says: "one", take: () => {} });
  const endNext = dropping.take({ says: "next", take: () => {} });
  end();
  expect(dropping.taker?.says).toBe("next");
  endNext();
  expect(dropping.taker).toBe(null);
});
