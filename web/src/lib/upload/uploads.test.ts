import { expect, test } from "vitest";

import { Problem, unreachable } from "../problems";
import { fromInput, mayBePhoto, type Chosen } from "./chosen";
import { Pace, remaining } from "./pace";
import { Uploads, type Announced, type Known, type Remembered, type World } from "./uploads";

/** A vault that remembers what it was sent, and stumbles where it is told to. */
class Vault {
  has = new Map<string, { state: "present" | "rejected" | "in_trash"; status: string }>();
  checks: string[][] = [];
  announcements: string[][] = [];
  posts: string[] = [];
  most = 0;
  kept = new Map<string, Remembered>();
  ready: string[] = [];
  troubles: (Problem | null)[] = [];
  refusing: ((names: string[]) => Problem | null) | null = null;
  hold: Promise<void> = Promise.resolve();
  #posting = 0;

  world(): World {
    const key = ({ path, size, modified }: Remembered): string => `${path} ${size} ${modified}`;
    return {
      sha256: async (file) => `hash of ${await file.text()}`,
      check: async (hashes) => {
        this.checks.push(hashes);
        return hashes.map((hash): Known => {
          const known = this.has.get(hash);
          if (known?.status === "processing") {
            this.has.set(hash, { ...known, status: "ready" });
          }
          return known ? { image_id: `id of ${hash}`, ...known } : { image_id: null, state: "unknown" };
        });
      },
      announce: async (items) => {
        this.announcements.push(items.map(({ filename }) => filename));
        const refused = this.refusing?.(items.map(({ filename }) => filename));
        if (refused) throw refused;
        return items.map(({ sha256 }): Announced => ({
          image_id: `id of ${sha256}`,
          state: "upload",
          post: { url: sha256, fields: {} },
          seal: { name: "upload", key: "k", user_id: "u", image_id: "i", sealed_bytes: 1 },
        }));
      },
      seal: async (file) => new Blob(["sealed ", file]),
      post: async (form, blob, { signal, onSent }) => {
        this.#posting += 1;
        this.most = Math.max(this.most, this.#posting);
        try {
          onSent(1);
          const aborted = new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason as Error)),
          );
          await Promise.race([this.hold, aborted]);
          await new Promise((resolve) => setTimeout(resolve, 1));
          signal.throwIfAborted();
          const trouble = this.troubles.shift();
          if (trouble) throw trouble;
          expect(await blob.text()).toMatch(/^sealed /);
          this.posts.push(form.url);
          this.has.set(form.url, { state: "present", status: "processing" });
        } finally {
          this.#posting -= 1;
        }
      },
      pause: () => new Promise((resolve) => setTimeout(resolve, 1)),
      connected: () => Promise.resolve(),
      now: () => Date.now(),
      memory: {
        keep: async (files) => files.forEach((file) => this.kept.set(key(file), file)),
        drop: async (files) => files.forEach((file) => this.kept.delete(key(file))),
      },
      changed: () => undefined,
      ready: (ids) => this.ready.push(...ids),
    };
  }
}

const chosen = (name: string, bytes = name): Chosen => ({
  file: new File([bytes], name, { type: "image/jpeg", lastModified: 1 }),
  path: `folder/${name}`,
});
const many = (count: number): Chosen[] => Array.from({ length: count }, (_, n) => chosen(`${n}.jpg`));

async function until(settled: () => boolean): Promise<void> {
  for (let tries = 0; !settled(); tries += 1) {
    if (tries > 3000) throw new Error("it never came to pass");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const states = (uploads: Uploads): Record<string, string> =>
  Object.fromEntries(uploads.items.map(({ name, state }) => [name, state]));

test("files are sealed, sent four at a time, and watched until they are ready", async () => {
  const vault = new Vault();
  const uploads = new Uploads(vault.world());
  uploads.add(many(30));
  await until(() => uploads.items.every(({ state }) => state === "done"));
  expect(new Set(vault.posts).size).toBe(30);
  expect(vault.posts.length).toBe(30);
  expect(vault.most).toBe(4);
  expect(vault.ready.length).toBe(30);
  await until(() => vault.kept.size === 0);
});

test("what the vault has is not announced, and a folder is asked about at once", async () => {
  const vault = new Vault();
  for (let n = 0; n < 400; n += 1) vault.has.set(`hash of ${n}.jpg`, { state: "present", status: "ready" });
  vault.has.set("hash of trashed.jpg", { state: "in_trash", status: "ready" });
  vault.has.set("hash of odd.jpg", { state: "rejected", status: "rejected" });
  const uploads = new Uploads(vault.world());
  uploads.add([...many(400), chosen("trashed.jpg"), chosen("odd.jpg")]);
  await until(() => uploads.items.every(({ state }) => ["present", "in_trash", "rejected"].includes(state)));
  expect(vault.announcements).toEqual([]);
  expect(vault.checks.flat().length).toBe(402);
  expect(uploads.items.find(({ name }) => name === "trashed.jpg")?.why).toMatch(/trash/);
});

test("a photo goes with the date of its file, as the clock here shows it", async () => {
  const vault = new Vault();
  const world = vault.world();
  const told: (string | null)[] = [];
  const announce = world.announce;
  world.announce = (items) => {
    told.push(...items.map(({ modified_at }) => modified_at));
    return announce(items);
  };
  const uploads = new Uploads(world);
  const then = new Date(2014, 6, 19, 16, 28, 5);
  uploads.add([{ ...chosen("a.jpg"), file: new File(["a"], "a.jpg", { lastModified: then.getTime() }) }]);
  await until(() => told.length === 1);
  expect(told).toEqual(["2014-07-19T16:28:05"]);
});

test("the same photo chosen twice is sent once", async () => {
  const vault = new Vault();
  const uploads = new Uploads(vault.world());
  uploads.add([chosen("a.jpg", "same"), chosen("b.jpg", "same")]);
  await until(() => uploads.items.every(({ state }) => ["done", "present"].includes(state)));
  expect(vault.posts).toEqual(["hash of same"]);
});

test("the second of two equal files goes when the first is cancelled, and both go when all is cancelled", async () => {
  const vault = new Vault();
  let release = (): void => undefined;
  vault.hold = new Promise((resolve) => (release = resolve));
  const uploads = new Uploads(vault.world());
  uploads.add([chosen("a.jpg", "same"), chosen("b.jpg", "same"), chosen("c.jpg", "same")]);
  const inOrder = (): string[] => uploads.items.map(({ state }) => state);
  await until(() => inOrder().includes("sending") && inOrder().filter((each) => each === "present").length === 2);
  const first = uploads.items.find(({ state }) => state === "sending");
  uploads.cancel(first?.id ?? 0);
  await until(() => inOrder().includes("sending"));
  expect(inOrder().sort()).toEqual(["cancelled", "present", "sending"]);
  uploads.cancel("all");
  expect(inOrder()).toEqual(["cancelled", "cancelled", "cancelled"]);
  release();
  uploads.add([chosen("a.jpg", "same"), chosen("b.jpg", "same")]);
  await until(() => inOrder().filter((each) => each === "done").length === 1);
  expect(inOrder().sort()).toEqual(["cancelled", "done", "present"]);
  expect(new Set(uploads.items.filter(({ state }) => state !== "cancelled").map(({ imageId }) => imageId))).toEqual(
    new Set(["id of hash of same"]),
  );
});

test("a form that has expired is asked for anew, a stumbling storage is asked again", async () => {
  const vault = new Vault();
  vault.troubles = [
    new Problem("Expired.", { status: 403 }),
    new Problem("Slow down.", { status: 503 }),
    unreachable(),
  ];
  const uploads = new Uploads(vault.world());
  uploads.add([chosen("a.jpg")]);
  await until(() => states(uploads)["a.jpg"] === "done");
  expect(vault.announcements.length).toBe(4);
});

test.each([
  new Problem("It cannot be taken.", { status: 422, kind: "invalid" }),
  new Problem("It cannot be taken.", { status: 415, kind: "unsupported-type" }),
])("what cannot be taken ($kind) says why, and holds nobody else up", async (problem) => {
  const vault = new Vault();
  vault.refusing = (names) => (names.includes("3.jpg") ? problem : null);
  const uploads = new Uploads(vault.world());
  uploads.add(many(8));
  await until(() => uploads.items.every(({ state }) => ["done", "rejected"].includes(state)));
  expect(uploads.items.filter(({ state }) => state === "rejected").map(({ name, why }) => [name, why])).toEqual([
    ["3.jpg", "It cannot be taken."],
  ]);
});

test("whoever has no room is asked about a size once, and smaller photos still go", async () => {
  const vault = new Vault();
  vault.refusing = (names) =>
    names.some((name) => name.startsWith("large"))
      ? new Problem("Full.", { status: 413, kind: "quota-exceeded" })
      : null;
  const uploads = new Uploads(vault.world());
  const large = Array.from({ length: 30 }, (_, n) => chosen(`large ${10 + n}.jpg`));
  uploads.add([...large, chosen("s.jpg")]);
  await until(() => uploads.items.every(({ state }) => ["done", "failed"].includes(state)));
  expect(states(uploads)["s.jpg"]).toBe("done");
  expect(uploads.items.filter(({ state }) => state === "failed").length).toBe(30);
  expect(uploads.items[0]?.why).toBe("There is no room for its 12 bytes in your vault.");
  expect(vault.announcements.length).toBeLessThan(6);
  vault.refusing = null;
  uploads.retry("all");
  await until(() => uploads.items.every(({ state }) => state === "done"));
});

test("files that are empty, or larger than any vault takes, are not read", async () => {
  const vault = new Vault();
  const uploads = new Uploads({ ...vault.world(), sha256: () => Promise.reject(new Error("read")) });
  const film = new File(["x"], "film.mov");
  Object.defineProperty(film, "size", { value: 5e9 });
  uploads.add([chosen("a.jpg", ""), { file: film, path: "film.mov" }]);
  expect(uploads.items.map(({ state, why }) => [state, why])).toEqual([
    ["rejected", "The file is empty."],
    ["rejected", "It has 5.0 GB, which is more than any vault takes."],
  ]);
});

test("what failed stays in the list and can be tried again", async () => {
  const vault = new Vault();
  vault.refusing = () => new Problem("The vault is full.", { status: 413, kind: "quota-exceeded" });
  const uploads = new Uploads(vault.world());
  uploads.add([chosen("a.jpg")]);
  await until(() => states(uploads)["a.jpg"] === "failed");
  expect(vault.kept.size).toBe(1);
  uploads.clear();
  expect(uploads.items.length).toBe(1);
  vault.refusing = null;
  uploads.retry("all");
  await until(() => states(uploads)["a.jpg"] === "done");
});

test("cancelled uploads stop, and chosen again they go on", async () => {
  const vault = new Vault();
  let release = (): void => undefined;
  vault.hold = new Promise((resolve) => (release = resolve));
  const uploads = new Uploads(vault.world());
  uploads.add(many(6));
  await until(() => uploads.items.filter(({ state }) => state === "sending").length === 4);
  uploads.cancel("all");
  release();
  await until(() => uploads.items.every(({ state }) => state === "cancelled"));
  await until(() => vault.kept.size === 0);
  expect(vault.posts).toEqual([]);
  uploads.add(many(6));
  expect(uploads.items.length).toBe(6);
  await until(() => uploads.items.every(({ state }) => state === "done"));
});

test("a reload goes on with what was not finished, and reads nothing twice", async () => {
  const before = new Vault();
  before.refusing = () => new Problem("The vault is full.", { status: 413, kind: "quota-exceeded" });
  const first = new Uploads(before.world());
  first.add(many(3));
  await until(() => first.items.every(({ state }) => state === "failed"));
  await until(() => [...before.kept.values()].every(({ sha256 }) => sha256));
  const after = new Vault();
  const second = new Uploads({ ...after.world(), sha256: () => Promise.reject(new Error("read again")) });
  second.recall([...before.kept.values()]);
  second.add(many(3));
  await until(() => second.items.every(({ state }) => state === "done"));
});

test("a file that is tried again while its cancelled try still ends is that of the new try", async () => {
  const vault = new Vault();
  const world = vault.world();
  const gates: (() => void)[] = [];
  const gate = (): Promise<void> => new Promise((resolve) => gates.push(resolve));
  const uploads = new Uploads({
    ...world,
    seal: async (file) => {
      if (file.name === "a.jpg" && gates.length === 0) await gate();
      return world.seal(file, {} as never);
    },
    post: async (...given) => {
      await gate();
      return world.post(...given);
    },
  });
  uploads.add([chosen("a.jpg"), chosen("b.jpg")]);
  await until(() => gates.length === 2); // a is being sealed, b is being sent
  const a = uploads.items[0]?.id ?? 0;
  uploads.cancel(a);
  uploads.retry([a]);
  await until(() => states(uploads)["a.jpg"] === "queued");
  gates[1]?.();
  await until(() => gates.length === 3); // a is being sent by the sender of b
  gates[0]?.();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect([states(uploads)["a.jpg"], gates.length]).toEqual(["sending", 3]);
  gates[2]?.();
  await until(() => states(uploads)["a.jpg"] === "done");
  expect(vault.posts).toEqual(["hash of b.jpg", "hash of a.jpg"]);
});

test("an answer that breaks off is asked for again", async () => {
  const vault = new Vault();
  const world = vault.world();
  const broken = { check: 2, announce: 2 };
  const stumbling =
    <T>(name: "check" | "announce", ask: (given: T) => Promise<never[]>) =>
    (given: T): Promise<never[]> => {
      broken[name] -= 1;
      return broken[name] < 0 ? ask(given) : Promise.reject(new TypeError("network error"));
    };
  const uploads = new Uploads({
    ...world,
    check: stumbling("check", world.check as never),
    announce: stumbling("announce", world.announce as never),
  });
  uploads.add(many(3));
  await until(() => uploads.items.every(({ state }) => state === "done"));
});

test("an upload that the vault has lost can be tried again", async () => {
  const vault = new Vault();
  const world = vault.world();
  let isLost = true;
  const uploads = new Uploads({
    ...world,
    post: async (form, blob, options) => {
      await world.post(form, blob, options);
      if (isLost) vault.has.clear();
      isLost = false;
    },
  });
  uploads.add([chosen("a.jpg")]);
  await until(() => states(uploads)["a.jpg"] === "failed");
  uploads.retry("all");
  await until(() => states(uploads)["a.jpg"] === "done");
});

test("what failed and was dismissed does not come back with a reload", async () => {
  const vault = new Vault();
  vault.refusing = () => new Problem("The vault is full.", { status: 413, kind: "quota-exceeded" });
  const uploads = new Uploads(vault.world());
  uploads.add(many(2));
  await until(() => uploads.items.every(({ state }) => state === "failed"));
  uploads.clear(true);
  await until(() => vault.kept.size === 0);
});

test("photos are told from other files by their names and types", () => {
  const yes = ["a.JPG", "b.heic", "c.dng", "IMG_1.MOV", "d.webp"].map((name) => ({ name, type: "" }));
  const no = ["a.txt", "b.pdf", "c.svg", "noending", "d.zip"].map((name) => ({ name, type: "" }));
  expect(yes.filter((file) => !mayBePhoto(file))).toEqual([]);
  expect(no.filter((file) => mayBePhoto(file))).toEqual([]);
  expect(mayBePhoto({ name: "no ending", type: "image/jpeg" })).toBe(true);
  expect(mayBePhoto({ name: "drawing.svg", type: "image/svg+xml" })).toBe(false);
  const hidden = new File(["x"], ".DS_Store");
  expect(fromInput([hidden, new File(["x"], "a.jpg")]).map(({ path }) => path)).toEqual(["a.jpg"]);
});

test("the rest is told from how fast it went, once that is known", () => {
  const pace = new Pace();
  const told = Array.from({ length: 20 }, (_, second) =>
    pace.left(second * 100, 6000 - second * 100, 1 + second * 1000),
  );
  expect(told.slice(0, 5)).toEqual([null, null, null, null, null]);
  expect(told[10]).toBeCloseTo(50);
  expect(pace.left(1900, 4100, 1 + 3_600_000) ?? 0).toBeGreaterThan(41);
  expect([5, 70, 170, 8000].map(remaining)).toEqual([
    "under 1 min left",
    "about 1 min left",
    "about 3 min left",
    "about 2 h left",
  ]);
});

test("what was cancelled by mistake goes on", async () => {
  const vault = new Vault();
  let release = (): void => undefined;
  vault.hold = new Promise((resolve) => (release = resolve));
  const uploads = new Uploads(vault.world());
  uploads.add(many(6));
  await until(() => uploads.items.filter(({ state }) => state === "sending").length === 4);
  const ids = uploads.items.map(({ id }) => id);
  uploads.cancel("all");
  release();
  uploads.retry(ids);
  await until(() => uploads.items.every(({ state }) => state === "done"));
});
