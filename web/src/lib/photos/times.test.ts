import { beforeEach, expect, test, vi } from "vitest";

import type { Photo } from "./words";

const asked: { method: string; path: string; given: { path?: object; body?: object; once?: string } }[] = [];
let failing: string | null = null;

function answer(method: string) {
  return (path: string, given: { path?: object; body?: object; once?: string }): Promise<unknown> => {
    asked.push({ method, path, given });
    return failing === path ? Promise.reject(new Error("no")) : Promise.resolve({ id: "answered" });
  };
}

vi.mock("../api", () => ({ api: { patch: answer("patch"), post: answer("post") } }));
vi.mock("../ui/toasts.svelte", () => ({ toasts: {} }));

const { correctTimes, later, secondsBetween } = await import("./times");
const { packed } = await import("./download");

const photo = (id: string, local_time: string, source = "exif"): Photo =>
  ({ id, taken: { local_time, source }, created_at: "2026-01-01T00:00:00Z" }) as unknown as Photo;

beforeEach(() => {
  asked.length = 0;
  failing = null;
});

test("the clock on the wall is counted with, whatever zone this computer is in", () => {
  expect(secondsBetween("2024-03-31T01:59:59", "2024-03-31T03:00:00")).toBe(3601);
  expect(later("2024-12-31T23:59:59", 1)).toBe("2025-01-01T00:00:00");
  expect(later("2024-05-01T10:00", -60)).toBe("2024-05-01T09:59:00");
});

test("one photo gets the time that was given", async () => {
  expect(await correctTimes([photo("a", "2008-10-22T16:28:12")], "2009-01-02T03:04", "o")).toEqual({ id: "answered" });
  expect(asked.map(({ given }) => given.body)).toEqual([{ taken: { local_time: "2009-01-02T03:04:00" } }]);
});

test("several move by as much as the first; those that have no time of their own are told theirs", async () => {
  const photos = [
    photo("a", "2020-01-01T10:00:00"),
    photo("b", "2020-01-01T10:05:00", "upload"),
    photo("c", "2020-01-02T10:00:00"),
  ];
  await correctTimes(photos, "2021-01-01T11:00:00", "o");
  expect(asked.map(({ path, given }) => [path, given.body])).toEqual([
    ["/images/{image_id}", { taken: { local_time: "2021-01-01T11:05:00" } }],
    ["/images/shift-time", { image_ids: ["a", "c"], by_seconds: 366 * 86_400 + 3600, restore: false, dry_run: false }],
  ]);
});

test("what is tried again is the same request and is not done twice", async () => {
  const photos = [photo("a", "2020-01-01T10:00:00"), photo("b", "2020-01-01T10:05:00")];
  failing = "/images/shift-time";
  await expect(correctTimes(photos, "2021-01-01T11:00:00", "o")).rejects.toThrow();
  failing = null;
  await correctTimes(photos, "2021-01-01T11:00:00", "o");
  await correctTimes(photos, "2021-01-01T12:00:00", "o");
  const keys = asked.map(({ given }) => given.once);
  expect(keys[0]).toBe(keys[1]);
  expect(keys[2]).not.toBe(keys[1]);
});

test("nothing is asked where nothing changes", async () => {
  await correctTimes(
    [photo("a", "2020-01-01T10:00:00"), photo("b", "2020-01-01T10:05:00")],
    "2020-01-01T10:00:00",
    "o",
  );
  expect(asked).toEqual([]);
});

test("packets hold no more than they may, and a larger photo alone", () => {
  const sizes = (packets: { bytes: number }[][]): number[][] => packets.map((each) => each.map(({ bytes }) => bytes));
  expect(
    sizes(
      packed(
        [3, 4, 5, 12, 1].map((bytes) => ({ bytes })),
        10,
      ),
    ),
  ).toEqual([[3, 4], [5], [12], [1]]);
  expect(packed([], 10)).toEqual([]);
});
