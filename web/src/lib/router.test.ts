import { expect, test } from "vitest";

import { link, parse } from "./router.svelte";

test.each(["", "#", "#/", "#/photos", "#//photos/"])("%j is the page of all photos", (hash) => {
  expect(parse(hash)).toMatchObject({ page: "photos", id: null, rest: [] });
});

test("a link is read as what it was made of, whatever names hold", () => {
  const said = "Anna & Ben / 100 % #1 ?x=y";
  const place = parse(link(["people", said, "more"], { q: said, empty: "", none: null }));
  expect(place).toMatchObject({ page: "people", id: said, rest: ["more"] });
  expect([...place.query]).toEqual([["q", said]]);
});

test("an address that was cut within an escape is taken as it is", () => {
  expect(parse("#/people/100%").id).toBe("100%");
});
