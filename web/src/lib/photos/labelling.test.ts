import { beforeEach, expect, test, vi } from "vitest";

import { api } from "../api";
import { session } from "../session.svelte";
import { toasts } from "../ui/toasts.svelte";
import { labelsIn, labelsOf, relabel, searchFor, wrongLabels } from "./labelling";

const post = vi.spyOn(api, "post");

beforeEach(() => {
  post.mockReset();
  vi.spyOn(session, "state", "get").mockReturnValue({ is: "in" } as typeof session.state);
  for (const toast of toasts.shown) toasts.dismiss(toast.id);
});

test("labels are what stands between commas, each once", () => {
  expect(labelsIn(" Beach,, two   words , beach,")).toEqual(["beach", "two words"]);
  expect(labelsIn(" , ")).toEqual([]);
});

test("a label with quotation marks is searched for as a whole", () => {
  expect(searchFor("New York")).toBe('label:"New York"');
  expect(searchFor('5" "floppy" disc')).toBe('label:"5 floppy disc"');
});

test("what the vault would refuse is said before", () => {
  expect(wrongLabels([])).toContain("Type a word");
  expect(wrongLabels([], { orNone: true })).toBeNull();
  expect(wrongLabels(Array.from({ length: 21 }, (_, n) => `${n}`))).toContain("20");
  expect(wrongLabels(["x".repeat(101)])).toContain("100 characters");
  expect(wrongLabels(["x".repeat(100)])).toBeNull();
});

test("an undo takes each step of the answer, and goes on where it failed", async () => {
  const steps = [
    { name: "beach", undo: "restore_labels", image_ids: ["1"] },
    { name: "Beach", undo: "add_labels", image_ids: ["2"] },
  ];
  const done = vi.fn();
  post.mockResolvedValueOnce({ changed: 2, unchanged: 1, labels: steps } as never);
  await relabel(["1", "2", "3"], { remove: ["beach"] }, done);
  expect(toasts.shown.at(-1)?.text).toBe("“beach” removed from 2 photos.");
  expect(done).toHaveBeenCalledTimes(1);

  post.mockResolvedValueOnce({} as never).mockRejectedValueOnce(new Error("away"));
  toasts.shown.at(-1)?.action?.run();
  await vi.waitFor(() => expect(toasts.shown.at(-1)?.action?.label).toBe("Try again"));
  post.mockResolvedValue({} as never);
  toasts.shown.at(-1)?.action?.run();
  await vi.waitFor(() => expect(done).toHaveBeenCalledTimes(2));
  expect(post.mock.calls.slice(1).map(([, request]) => (request as { body: unknown }).body)).toEqual([
    { image_ids: ["1"], restore_labels: ["beach"] },
    { image_ids: ["2"], add_labels: ["Beach"] },
    { image_ids: ["2"], add_labels: ["Beach"] },
  ]);
});

test("of many photos the first requests keep their way back when a later one fails", async () => {
  const ids = Array.from({ length: 1500 }, (_, n) => `${n}`);
  const labels = [{ name: "beach", undo: "restore_labels", image_ids: ids.slice(0, 1000) }];
  post.mockResolvedValueOnce({ changed: 1000, unchanged: 0, labels } as never).mockRejectedValueOnce(new Error("away"));
  await expect(relabel(ids, { add: ["beach"] }, () => {})).rejects.toThrow("away");
  expect(toasts.shown.at(-1)?.text).toBe("“beach” added to 1,000 photos.");
  expect(toasts.shown.at(-1)?.action?.label).toBe("Undo");
});

test("what changes nothing says so", async () => {
  post.mockResolvedValueOnce({ changed: 0, unchanged: 2, labels: [] } as never);
  await relabel(["1", "2"], { add: ["beach"] }, () => {});
  expect(toasts.shown.at(-1)?.text).toBe("All 2 photos had “beach” already.");
  expect(toasts.shown.at(-1)?.action).toBeNull();
});

test("what is added and removed at once is one request, one message and one way back", async () => {
  const labels = [{ name: "dog", undo: "restore_labels", image_ids: ["2"] }];
  post.mockResolvedValueOnce({ changed: 2, unchanged: 0, labels } as never);
  await relabel(["1", "2"], { add: ["beach"], remove: ["dog"] }, () => {});
  expect(post.mock.calls.map(([, request]) => (request as { body: unknown }).body)).toEqual([
    { image_ids: ["1", "2"], add_labels: ["beach"], remove_labels: ["dog"] },
  ]);
  expect(toasts.shown.at(-1)?.text).toBe("“beach” added, “dog” removed: 2 photos.");
  post.mockResolvedValueOnce({ changed: 0, unchanged: 2, labels: [] } as never);
  await relabel(["1", "2"], { add: ["beach"], remove: ["dog"] }, () => {});
  expect(toasts.shown.at(-1)?.text).toBe("All 2 photos had “beach” already. None of 2 photos had “dog”.");
});

test("the labels of many photos are those of all requests and pages, each once with its photos", async () => {
  const get = vi.spyOn(api, "get");
  const page = (next_cursor: string | null, ...items: [string, number][]) =>
    ({ next_cursor, items: items.map(([name, image_count]) => ({ name, image_count })) }) as never;
  get.mockResolvedValueOnce(page("more", ["dog", 90])).mockResolvedValueOnce(page(null, ["cat", 4], ["boat", 4]));
  get.mockResolvedValueOnce(page(null, ["Dog", 5], ["beach", 7]));
  const ids = Array.from({ length: 150 }, (_, n) => `${n}`);
  expect(await labelsOf(ids, new AbortController().signal)).toEqual([
    { name: "dog", count: 95 },
    { name: "beach", count: 7 },
    { name: "boat", count: 4 },
    { name: "cat", count: 4 },
  ]);
  const asked = get.mock.calls.map(([, request]) => (request as { query: { image_id: string[] } }).query.image_id);
  expect(asked.map(({ length }) => length)).toEqual([100, 100, 50]);
});
