/** The photos that somebody has picked, in the order they were picked in. */
import { SvelteMap } from "svelte/reactivity";

import { asProblem } from "../problems";
import { toasts } from "../ui/toasts.svelte";
import type { Section, Source } from "./source.svelte";
import type { Photo } from "./words";

export class Selection {
  readonly #source: Source;
  readonly #picked = new SvelteMap<string, Photo>();
  /** Where a range begins. */
  #anchor: string | null = null;

  constructor(source: Source) {
    this.#source = source;
  }

  get size(): number {
    return this.#picked.size;
  }

  get ids(): string[] {
    return [...this.#picked.keys()];
  }

  get photos(): Photo[] {
    return [...this.#picked.values()];
  }

  has(id: string): boolean {
    return this.#picked.has(id);
  }

  toggle(photo: Photo): void {
    if (!this.#picked.delete(photo.id)) this.#picked.set(photo.id, photo);
    this.#anchor = photo.id;
  }

  /** Pick everything from where the last one was picked to here. */
  async reach(photo: Photo): Promise<void> {
    const from = this.#anchor === null ? null : this.#source.position(this.#anchor);
    const to = this.#source.position(photo.id);
    if (!from || !to) return this.toggle(photo);
    try {
      for (const each of await this.#source.between(from, to)) this.#picked.set(each.id, each);
    } catch (error) {
      toasts.failed(asProblem(error));
    }
  }

  /** Pick all of a section, or none when all of it is picked. */
  async toggleSection(section: Section): Promise<void> {
    try {
      await this.#source.ensure(section, 0, section.photos.length);
    } catch (error) {
      return toasts.failed(error);
    }
    const photos = section.photos.filter((photo) => photo !== undefined);
    const all = photos.every(({ id }) => this.#picked.has(id));
    for (const photo of photos) {
      if (all) this.#picked.delete(photo.id);
      else this.#picked.set(photo.id, photo);
    }
  }

  hasAll(section: Section): boolean {
    return section.photos.every((photo) => photo !== undefined && this.#picked.has(photo.id));
  }

  drop(ids: Iterable<string>): void {
    for (const id of ids) this.#picked.delete(id);
    if (this.#picked.size === 0) this.#anchor = null; // a range begins anew
  }

  clear(): void {
    this.#picked.clear();
    this.#anchor = null;
  }
}
