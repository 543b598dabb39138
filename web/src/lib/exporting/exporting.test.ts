import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { collect, Parts, Refused, type Export, type Group, type LeftOut, type Sources, type Ticket } from "./collect";
import { Names, photoFolder, photoName, README, safeName, split, type Album, type Photo } from "./layout";

const PYTHON = readFileSync("../shared/photovault/export_layout.py", "utf-8");

test("the layout is that of `photovault export`", () => {
  expect(PYTHON).toContain(README);
  for (const kind of ["photo", "album", "albums", "people", "export"])
    expect(PYTHON).toContain(`"photovault-${kind}/1"`);
});

test.each([
  ["a/b.jpg", "a_b.jpg"],
  ["  .hidden", "_.hidden"],
  ["con.txt", "_con.txt"],
  ["..", "photo"],
  ["trip: 1?", "trip_ 1_"],
  ["a\u202egpj.exe", "agpj.exe"],
  [`${"x".repeat(200)}.jpeg`, `${"x".repeat(105)}.jpeg`],
  [`${"é".repeat(80)}.png`, `${"é".repeat(53)}.png`],
])("a name that every system can hold: %s", (name, safe) => {
  expect(safeName(name, "photo")).toBe(safe);
});

test("an ending is short and holds no space", () => {
  expect(split("a.b.jpg")).toEqual(["a.b", ".jpg"]);
  expect(split(".jpg")).toEqual([".jpg", ""]);
  expect(split("Dr. No")).toEqual(["Dr. No", ""]);
});

test("each path is given out once, whatever a system takes for the same", () => {
  const names = new Names();
  const taken = ["IMG.jpg", "img.JPG", "IMG.jpg"].map((name) => names.take("photos", name, [".json"]));
  expect(taken).toEqual(["photos/IMG.jpg", "photos/img (2).JPG", "photos/IMG (3).jpg"]);
  expect(names.take("photos", "IMG.jpg.json")).toBe("photos/IMG.jpg (2).json");
});

const photo = (id: string, more: Partial<Photo> = {}): Photo =>
  ({
    id,
    filename: "IMG.jpg",
    content_type: "image/jpeg",
    bytes: 3,
    sha256: createHash("sha256").update(id).digest("hex"),
    taken: { local_day: "2025-05-14", local_time: "2025-05-14T12:00:00", source: "exif", offset: null, instant: null },
    tickets: { original: { url: id } as Ticket },
    people: [],
    labels: [],
    albums: [],
    positions: {},
    created_at: "2026-01-01T00:00:00Z",
    ...more,
  }) as unknown as Photo;

test("a photo goes where its day says, and nowhere else", () => {
  expect(photoFolder(photo("1"))).toBe("photos/2025/2025-05 (May)");
  const day = (local_day: string, source = "exif") =>
    photo("1", { taken: { ...photo("1").taken!, local_day, source } });
  expect(photoFolder(day("../../etc"))).toBe("photos/undated");
  expect(photoFolder(day("2025-13-01"))).toBe("photos/undated");
  expect(photoFolder(day("2025-05-14", "upload"))).toBe("photos/undated");
  expect(photoName(photo("1", { filename: "holiday" }))).toBe("holiday.jpg");
});

const made = { id: "e", created_at: "2026-01-01T00:00:00Z" } as Export;
const about = { server: "https://vault.example.com", tool: "test" };

function sources(pages: Photo[][], open: Sources["open"]): Sources {
  return {
    open,
    page: async (cursor) => {
      const at = Number(cursor ?? 0);
      return { items: pages[at] ?? [], next_cursor: at + 1 < pages.length ? String(at + 1) : null };
    },
    albums: async () => [{ id: "a", title: "Trip", cover_image_id: "2" } as Album],
    people: async () => [],
    sha256: async (bytes) => createHash("sha256").update(bytes).digest("hex"),
    now: () => new Date("2026-01-02T00:00:00Z"),
  };
}

async function files(groups: AsyncIterable<Group>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { entries } of groups) {
    for (const { name, input } of entries) found.set(name, new TextDecoder().decode(input));
  }
  return found;
}

const bytesOf = async ({ url }: Ticket): Promise<Uint8Array> => new TextEncoder().encode(url);

test("everything is in it: photos with what is known of them, albums in their order, checksums", async () => {
  const pages = [[photo("1", { albums: ["a"] })], [photo("2", { albums: ["a"], positions: { a: 1 } })]];
  const leftOut: LeftOut[] = [];
  const found = await files(collect(made, about, sources(pages, bytesOf), leftOut));
  const folder = "photos/2025/2025-05 (May)";
  expect([...found.keys()]).toEqual([
    ...[`${folder}/IMG.jpg`, `${folder}/IMG.jpg.json`, `${folder}/IMG (2).jpg`, `${folder}/IMG (2).jpg.json`],
    ...["albums/Trip.json", "albums.json", "people.json", "SHA256SUMS.txt", "manifest.json", "README.txt"],
  ]);
  expect(found.get(`${folder}/IMG (2).jpg`)).toBe("2");
  expect(JSON.parse(found.get("albums/Trip.json") ?? "")).toMatchObject({
    cover: `${folder}/IMG (2).jpg`,
    photos: [`${folder}/IMG (2).jpg`, `${folder}/IMG.jpg`],
  });
  expect(JSON.parse(found.get("manifest.json") ?? "")).toMatchObject({ photos: 2, bytes: 2, left_out: [] });
  expect(found.get("SHA256SUMS.txt")).toContain(`${photo("2").sha256}  ${folder}/IMG (2).jpg\n`);
});

test("what the storage refuses is asked for once more with fresh tickets, then left out and named", async () => {
  const asked: string[] = [];
  const open = async (ticket: Ticket): Promise<Uint8Array> => {
    asked.push(ticket.url);
    if (ticket.url === "2" || asked.filter((url) => url === ticket.url).length < 2) throw new Refused("It is gone.");
    return bytesOf(ticket);
  };
  const leftOut: LeftOut[] = [];
  const found = await files(collect(made, about, sources([[photo("1"), photo("2")]], open), leftOut));
  expect(asked.toSorted()).toEqual(["1", "1", "2", "2"]);
  expect(leftOut).toEqual([{ id: "2", filename: "IMG.jpg", why: "It is gone." }]);
  expect(found.get("errors.txt")).toBe("IMG.jpg (2): It is gone.\n");
});

test("bytes that are not those that were uploaded are left out", async () => {
  const leftOut: LeftOut[] = [];
  const wrong = async (): Promise<Uint8Array> => new Uint8Array(3);
  const found = await files(collect(made, about, sources([[photo("1")]], wrong), leftOut));
  expect(leftOut).toMatchObject([{ why: "Its bytes are not those that were uploaded." }]);
  expect([...found.keys()].some((name) => name.startsWith("photos/"))).toBe(false);
});

test("an end of the line ends it, and is not taken for a photo that is gone", async () => {
  const broken = (): Promise<never> => Promise.reject(new TypeError("Failed to fetch"));
  await expect(files(collect(made, about, sources([[photo("1")]], broken), []))).rejects.toThrow("Failed to fetch");
});

test("parts hold what belongs together, and nothing is lost between them", async () => {
  const group = (name: string, bytes: number): Group => ({
    photos: 1,
    bytes,
    entries: [name, `${name}.json`].map((each) => ({ name: each, input: new Uint8Array(), lastModified: new Date(0) })),
  });
  async function* groups(): AsyncGenerator<Group> {
    yield* [group("a", 4), group("b", 4), group("c", 9), group("d", 1)];
  }
  async function namesOf(entries: AsyncIterable<{ name: string }>): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of entries) names.push(name);
    return names;
  }
  const parts = new Parts(groups(), 8);
  const runs: string[][] = [];
  while (!parts.ended) runs.push(await namesOf(parts.next()));
  expect(runs).toEqual([
    ["a", "a.json", "b", "b.json"],
    ["c", "c.json"],
    ["d", "d.json"],
  ]);
});
