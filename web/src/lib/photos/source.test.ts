import { expect, test } from "vitest";

import { Listing } from "./source.svelte";
import type { Photo } from "./words";

const photo = (id: string): Photo => ({ id }) as Photo;
const ids = (listing: Listing): (string | undefined)[] =>
  listing.sections.flatMap(({ photos }) => photos.map((each) => each?.id));

/** A list whose answers come when they are let. */
function held(pages: Record<string, { items: Photo[]; next_cursor: string | null }>): {
  listing: Listing;
  answer: () => Promise<void>;
} {
  const waiting: (() => void)[] = [];
  const listing = new Listing(
    (cursor) =>
      new Promise((resolve) => waiting.push(() => resolve(pages[cursor ?? ""] ?? { items: [], next_cursor: null }))),
  );
  const answer = async (): Promise<void> => {
    waiting.shift()?.();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { listing, answer };
}

const PAGES: Record<string, { items: Photo[]; next_cursor: string | null }> = {
  "": { items: [photo("a"), photo("b")], next_cursor: "2" },
  "2": { items: [photo("c")], next_cursor: null },
};

test("a list that is opened anew holds each photo once, whatever was on its way", async () => {
  const { listing, answer } = held(PAGES);
  void listing.open();
  await answer();
  const section = listing.sections[0];
  void listing.open();
  void listing.ensure(section as never, 0, 2);
  await answer();
  await answer(); // the second page of before
  expect(ids(listing)).toEqual(["a", "b"]);
  void listing.ensure(listing.sections[0] as never, 0, 2);
  await answer();
  expect(ids(listing)).toEqual(["a", "b", "c"]);
});

test("what comes again on a later page is shown once", async () => {
  const { listing, answer } = held({ ...PAGES, "2": { items: [photo("b"), photo("c")], next_cursor: null } });
  void listing.open();
  await answer();
  void listing.ensure(listing.sections[0] as never, 0, 2);
  await answer();
  expect(ids(listing)).toEqual(["a", "b", "c"]);
});

test("of two openings the later one counts", async () => {
  const answers: ((items: Photo[]) => void)[] = [];
  const listing = new Listing(
    () => new Promise((resolve) => answers.push((items) => resolve({ items, next_cursor: null }))),
  );
  const [first, second] = [listing.open(), listing.open()];
  answers[1]?.([photo("new")]);
  await second;
  answers[0]?.([photo("old")]);
  await first;
  expect(ids(listing)).toEqual(["new"]);
});

test("when all that is loaded goes, what was not yet comes", async () => {
  const pages = { ...PAGES };
  const { listing, answer } = held(pages);
  void listing.open();
  await answer();
  pages[""] = { items: [photo("c")], next_cursor: null };
  listing.remove(["a", "b"]);
  expect(listing.ready).toBe(false);
  await answer();
  expect([listing.ready, ids(listing)]).toEqual([true, ["c"]]);
});

test.each([
  ["without", ["b"], ["a", "b"]],
  ["with", ["a", "b"], ["a", "b"]],
  ["alone", ["a", "b"], ["b"]],
] as const)("a list %s the archive keeps what belongs there", async (archive, whenArchived, whenTakenOut) => {
  const opened = async (archived: boolean): Promise<Listing> => {
    const items = ["a", "b"].map((id) => ({ ...photo(id), archived }));
    const listing = new Listing(async () => ({ items, next_cursor: null }), archive);
    await listing.open();
    return listing;
  };
  const one = await opened(false);
  one.archived(["a"], true);
  expect(ids(one)).toEqual(whenArchived);
  expect(one.photo("a")?.archived).toBe(archive === "without" ? undefined : true);
  const other = await opened(true);
  other.archived(["a"], false);
  expect(ids(other)).toEqual(whenTakenOut);
});
