import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import {
  collect,
  listed,
  Parts,
  Refused,
  type Begun,
  type Entry,
  type Export,
  type Group,
  type Note,
  type Sources,
  type Ticket,
} from "./collect";
import { Pace, timeLeft } from "./pace";
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
    removed_labels: [],
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
const begun: Begun = {
  made,
  server: "https://vault.example.com",
  tool: "test",
  albums: listed([{ id: "a", title: "Trip", cover_image_id: "2" } as Album]),
};

function sources(pages: Photo[][], open: Sources["open"]): Sources {
  return {
    open,
    page: async (cursor) => {
      const at = Number(cursor ?? 0);
      return { items: pages[at] ?? [], next_cursor: at + 1 < pages.length ? String(at + 1) : null };
    },
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
  const found = await files(collect(begun, sources(pages, bytesOf)));
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
  const found = await files(collect(begun, sources([[photo("1"), photo("2")]], open)));
  expect(asked.toSorted()).toEqual(["1", "1", "2", "2"]);
  expect(JSON.parse(found.get("manifest.json") ?? "").left_out).toEqual([
    { id: "2", filename: "IMG.jpg", why: "It is gone." },
  ]);
  expect(found.get("errors.txt")).toBe("IMG.jpg (2): It is gone.\n");
});

test("bytes that are not those that were uploaded are left out", async () => {
  const wrong = async (): Promise<Uint8Array> => new Uint8Array(3);
  const found = await files(collect(begun, sources([[photo("1")]], wrong)));
  expect(found.get("errors.txt")).toContain("Its bytes are not those that were uploaded.");
  expect([...found.keys()].some((name) => name.startsWith("photos/"))).toBe(false);
});

test("an end of the line ends it, and is not taken for a photo that is gone", async () => {
  const broken = (): Promise<never> => Promise.reject(new TypeError("Failed to fetch"));
  await expect(files(collect(begun, sources([[photo("1")]], broken)))).rejects.toThrow("Failed to fetch");
});

const group = (id: string, size: number): Group => ({
  bytes: size,
  size,
  note: { cursor: null, leftOut: { id, filename: "", why: "" } },
  entries: [id, `${id}.json`].map((name) => ({ name, input: new Uint8Array(), lastModified: new Date(0) })),
});

test("parts hold what belongs together, and nothing is lost between them", async () => {
  async function* groups(): AsyncGenerator<Group> {
    yield* [group("a", 4), group("b", 4), group("c", 9), group("d", 1)];
  }
  const parts = new Parts(groups(), 8);
  const runs: [string[], (string | undefined)[]][] = [];
  while (!parts.ended) {
    const names: string[] = [];
    for await (const { name } of parts.next()) names.push(name);
    runs.push([names, parts.notes.map((note) => ("leftOut" in note ? note.leftOut.id : undefined))]);
  }
  expect(runs).toEqual([
    [
      ["a", "a.json", "b", "b.json"],
      ["a", "b"],
    ],
    [["c", "c.json"], ["c"]],
    [["d", "d.json"], ["d"]],
  ]);
});

test("stopped after any part, it comes to the same files when it is gone on with", async () => {
  const pages = [
    [photo("1", { albums: ["a"] }), photo("2")],
    [photo("3", { albums: ["a"], positions: { a: 1 } }), photo("4"), photo("5")],
  ];
  const open = async (ticket: Ticket): Promise<Uint8Array> => {
    if (ticket.url === "4") throw new Refused("It is gone.");
    return bytesOf(ticket);
  };
  const whole = await files(collect(begun, sources(pages, open)));

  const notes: Note[] = [];
  const found = new Map<string, string>();
  for (let runs = 0; runs < 20; runs += 1) {
    // As after a reload: nothing is known but the notes of the parts that are whole.
    const parts = new Parts(collect(begun, sources(pages, open), structuredClone(notes)), 1);
    const part: Entry[] = [];
    for await (const entry of parts.next()) part.push(entry);
    notes.push(...parts.notes);
    for (const { name, input } of part) {
      expect(found.has(name)).toBe(false);
      found.set(name, new TextDecoder().decode(input));
    }
    if (parts.ended) break;
  }
  expect(found).toEqual(whole);
});

test("the time left follows the line, and is not told before it is known", () => {
  const pace = new Pace();
  pace.note(0, 0);
  pace.note(1000, 1e6);
  expect(pace.secondsFor(10e6)).toBeNull();
  pace.note(10_000, 10e6);
  expect(pace.secondsFor(60e6)).toBe(60);
  for (let second = 11; second <= 120; second += 1) pace.note(second * 1000, 10e6 + (second - 10) * 2e6);
  expect(pace.secondsFor(60e6)).toBeCloseTo(30, 0);
  pace.reset();
  expect(pace.secondsFor(1)).toBeNull();
});

test.each([
  [3, "less than a minute left"],
  [70, "about 1 minute left"],
  [3600, "about 60 minutes left"],
  [7300, "about 2 hours left"],
  [4 * 86_400, "about 4 days left"],
])("time left in words: %d seconds", (seconds, words) => {
  expect(timeLeft(seconds)).toBe(words);
});
