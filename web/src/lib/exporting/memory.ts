/** How far an export has come, in this browser's own database: names of photos, and none of their bytes. */
import { Database } from "../database";
import type { Begun, Note } from "./collect";
import type { Kind } from "./places";

/** An export that is under way. `most` is the size of its parts in bytes; `folder` is null in memory alone. */
export interface Underway extends Begun {
  name: string;
  kind: Kind;
  folder: FileSystemDirectoryHandle | null;
  most: number;
}

/** A part that is whole. `isSaved` says whether the person has it, and `isLast` whether nothing follows. */
export interface Part {
  number: number;
  name: string;
  size: number;
  isLast: boolean;
  isSaved: boolean;
  notes: readonly Note[];
}

export interface Kept {
  underway: Underway;
  parts: Part[];
}

/** Raises nothing: where the browser keeps nothing, an export begins anew after a reload. */
export class Memory {
  readonly #database: Database;

  constructor(userId: string) {
    this.#database = new Database(`photovault-export-${userId}`, {
      underway: {},
      parts: { keyPath: "number" },
    });
  }

  async kept(): Promise<Kept | null> {
    try {
      const [underway] = await this.#database.all<Underway>("underway");
      return underway ? { underway, parts: await this.#database.all<Part>("parts") } : null;
    } catch {
      return null;
    }
  }

  /** Whether it is kept. */
  async begin(underway: Underway): Promise<boolean> {
    return this.#put("underway", underway, 1);
  }

  async add(part: Part): Promise<boolean> {
    return this.#put("parts", part);
  }

  async clear(): Promise<void> {
    await this.#database.clear().catch(() => {});
  }

  async #put(store: string, value: unknown, key?: IDBValidKey): Promise<boolean> {
    try {
      await this.#database.change(store, (into) => into.put(value, key));
      return true;
    } catch {
      return false;
    }
  }
}
