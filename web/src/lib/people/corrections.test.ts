import { expect, test } from "vitest";

import { alike, type Person } from "./corrections";

const people = ["Zoë Quinn", "Anna", "Hannah", "Anna Maria", "José Anno"].map((name) => ({ id: name, name }) as Person);

test.each([
  ["anna", ["Anna", "Anna Maria"]],
  ["ANN", ["Anna", "Anna Maria", "José Anno"]],
  ["zoe", ["Zoë Quinn"]],
  ["jose", ["José Anno"]],
  ["quinn", ["Zoë Quinn"]],
  ["  ", []],
  ["<b>", []],
])("%j may be %j", (typed, wanted) => {
  expect(alike(people, typed, "nobody").map(({ name }) => name)).toEqual(wanted);
});

test("nobody is said to be themselves", () => {
  expect(alike(people, "anna", "Anna").map(({ name }) => name)).toEqual(["Anna Maria"]);
});
