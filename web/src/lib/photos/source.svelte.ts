/**
 * Photos as a grid shows them and a viewer leafs through them: sections of photos, of which some have not been listed yet.
 *
 * `Timeline` is all of a library by month; `Listing` is any list of pages, such as an album or a search. Both load what is
 * asked for and nothing that lies between: a month's cursor leads straight into the list.
 */
import { api, type Schemas } from "../api";
import { monthName } from "../format";
import type { Ticket } from "../tickets/protocol";
import type { Photo } from "./words";

type Month = Schemas["Month"];

/** Of the most that a page of the list may hold. */
const PAGE = 200;

export interface Section {
  readonly key: string;
  readonly title: string | null;
  /** Those that are not known yet are undefined. */
  readonly photos: (Photo | undefined)[];
  /** Changes with `photos`. */
  revision: number;
}

/** What a list has of the archive: nothing, what else is there and it, or it alone. */
export type Archive = "without" | "with" | "alone";

export interface Position {
  section: Section;
  index: number;
}

export abstract class Source {
  /** Changes with everything that a grid draws; sections and photos are too many to be watched one by one. */
  revision: number = $state(0);
  /** Whether the first answer is there. */
  ready: boolean = $state(false);
  failure: unknown = $state.raw(null);

  sections: Section[] = [];
  #sectionOf = new Map<string, Section>();

  /** How many photos there are, as far as that is known. */
  get total(): number {
    return this.sections.reduce((sum, section) => sum + section.photos.length, 0);
  }

  /** Load from the start. Failures are in `failure`. */
  abstract open(): Promise<void>;

  /** Have the photos of a section from `start` to before `end`. Throws `Problem`. */
  abstract ensure(section: Section, start: number, end: number): Promise<void>;

  /** A newer ticket for a photo's thumbnail: the page that it is on is listed anew. */
  abstract renew(photo: Photo): Promise<Ticket | null>;

  position(id: string): Position | null {
    const section = this.#sectionOf.get(id);
    const index = section?.photos.findIndex((photo) => photo?.id === id) ?? -1;
    return section && index >= 0 ? { section, index } : null;
  }

  photo(id: string): Photo | null {
    const position = this.position(id);
    return position?.section.photos[position.index] ?? null;
  }

  /** The place before or after another, whether or not its photo is known. */
  beside({ section, index }: Position, step: 1 | -1): Position | null {
    let at = this.sections.indexOf(section);
    let to = index + step;
    while (at >= 0 && at < this.sections.length) {
      const here = this.sections[at] as Section;
      if (to >= 0 && to < here.photos.length) return { section: here, index: to };
      at += step;
      to = step > 0 ? 0 : (this.sections[at]?.photos.length ?? 0) - 1;
    }
    return null;
  }

  /** The photo before or after one, loaded if need be; null at the ends. Throws `Problem`. */
  async neighbour(id: string, step: 1 | -1): Promise<Photo | null> {
    const here = this.position(id);
    const there = here && this.beside(here, step);
    if (!there) return null;
    if (!there.section.photos[there.index]) await this.ensure(there.section, there.index, there.index + 1);
    return there.section.photos[there.index] ?? null;
  }

  /** All photos between two places, both of them included, loaded if need be. Throws `Problem`. */
  async between(one: Position, other: Position): Promise<Photo[]> {
    const order = ({ section, index }: Position): [number, number] => [this.sections.indexOf(section), index];
    const [first, last] = [one, other].sort((a, b) => {
      const [x, y] = [order(a), order(b)];
      return x[0] - y[0] || x[1] - y[1];
    }) as [Position, Position];
    const found: Photo[] = [];
    const to = this.sections.indexOf(last.section);
    for (let at = this.sections.indexOf(first.section); at <= to; at += 1) {
      const section = this.sections[at] as Section;
      const start = section === first.section ? first.index : 0;
      const end = section === last.section ? last.index + 1 : section.photos.length;
      await this.ensure(section, start, end);
      found.push(...section.photos.slice(start, end).filter((photo) => photo !== undefined));
    }
    return found;
  }

  /** Show photos as they are now. */
  update(ids: Iterable<string>, change: (photo: Photo) => Photo): void {
    for (const id of ids) {
      const here = this.position(id);
      const photo = here?.section.photos[here.index];
      if (here && photo) {
        here.section.photos[here.index] = change(photo);
        here.section.revision += 1;
      }
    }
    this.revision += 1;
  }

  /** Whether what goes into the archive goes from here, comes from it, or stays as it is. */
  protected archive: Archive = "without";

  /** Photos are in the archive now, or out of it: they stay here or go, as this list has it. */
  archived(ids: readonly string[], archived: boolean): void {
    if (this.archive === (archived ? "without" : "alone")) this.remove(ids);
    else this.update(ids, (photo) => ({ ...photo, archived }));
  }

  /** Photos that do not belong here any more. */
  remove(ids: Iterable<string>): void {
    const gone = new Set(ids);
    for (const section of new Set([...gone].map((id) => this.#sectionOf.get(id)))) {
      if (!section) continue;
      this.beforeRemoval(section, gone);
      const left = section.photos.filter((photo) => photo === undefined || !gone.has(photo.id));
      section.photos.splice(0, section.photos.length, ...left);
      section.revision += 1;
    }
    for (const id of gone) this.#sectionOf.delete(id);
    this.sections = this.sections.filter((section) => section.photos.length > 0);
    this.revision += 1;
  }

  protected beforeRemoval(_section: Section, _gone: ReadonlySet<string>): void {}

  protected put(section: Section, index: number, photo: Photo): void {
    section.photos[index] = photo;
    this.#sectionOf.set(photo.id, section);
    section.revision += 1;
  }

  protected start(sections: Section[]): void {
    this.sections = sections;
    this.#sectionOf.clear();
    this.revision += 1;
  }
}

interface MonthSection extends Section {
  readonly month: Month;
  /** Cursors by the index of the photo that they go on with. */
  readonly cursors: Map<number, string | null>;
}

/** All photos by month. */
export class Timeline extends Source {
  #running = new Map<string, Promise<void>>();
  #generation = 0;
  #opening: Promise<void> = Promise.resolve();

  open(): Promise<void> {
    this.#opening = this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const generation = ++this.#generation;
    this.failure = null;
    try {
      const [timeline, page] = await Promise.all([
        api.get("/images/timeline"),
        api.get("/images/list", { query: { limit: PAGE } }),
      ]);
      if (generation !== this.#generation) return;
      this.#running.clear();
      this.start(timeline.items.map(sectionOf));
      const first = this.sections[0] as MonthSection | undefined;
      if (first) this.#fill(first, 0, page);
      this.ready = true;
    } catch (error) {
      if (generation === this.#generation) this.failure = error;
    }
  }

  async ensure(section: Section, start: number, end: number): Promise<void> {
    const month = section as MonthSection;
    for (let at = start; at < Math.min(end, month.photos.length); at += 1) {
      while (month.photos[at] === undefined && at < month.photos.length) {
        const from = nearest(month, at);
        await this.#load(month, from);
        if (month.photos[at] === undefined && nearest(month, at) === from) return this.#shorten(month);
      }
    }
  }

  /** The list has gone on to the next month: what it did not have is not there any more. */
  #shorten(month: MonthSection): void {
    const known = month.photos.filter((photo) => photo !== undefined);
    month.photos.splice(0, month.photos.length, ...known);
    month.revision += 1;
    this.revision += 1;
  }

  async renew(photo: Photo): Promise<Ticket | null> {
    const here = this.position(photo.id);
    if (!here) return null;
    const month = here.section as MonthSection;
    const from = nearest(month, here.index);
    const known = month.photos[here.index]?.tickets.thumbnail;
    await this.#load(month, from);
    const renewed = this.photo(photo.id)?.tickets.thumbnail;
    return renewed && renewed.url !== known?.url ? renewed : null;
  }

  /** Find a photo by its time, so that its neighbours are known. Throws `Problem`. */
  async locate(photo: Photo): Promise<Position | null> {
    if (!this.ready) await this.#opening;
    const known = this.position(photo.id);
    if (known || !photo.taken) return known;
    const month = this.sections.find(({ key }) => key === photo.taken?.local_time.slice(0, 7));
    for (let at = 0; month && at < month.photos.length; at += 1) {
      if (month.photos[at] === undefined) await this.ensure(month, at, at + 1);
      if (month.photos[at]?.id === photo.id) return { section: month, index: at };
    }
    return null;
  }

  #load(month: MonthSection, from: number): Promise<void> {
    const name = `${this.#generation} ${month.key} ${from}`;
    let running = this.#running.get(name);
    if (!running) {
      running = this.#list(month, from).finally(() => this.#running.delete(name));
      this.#running.set(name, running);
    }
    return running;
  }

  async #list(month: MonthSection, from: number): Promise<void> {
    const generation = this.#generation;
    const cursor = month.cursors.get(from) ?? null;
    const page = await api.get("/images/list", { query: { limit: PAGE, ...(cursor === null ? {} : { cursor }) } });
    // Meanwhile photos may have been removed, and a cursor's place with them.
    const place = [...month.cursors].find(([, each]) => each === cursor)?.[0];
    if (generation === this.#generation && place !== undefined) this.#fill(month, place, page);
  }

  /** Put a page's photos where they belong; they go on into the months after. */
  #fill(from: MonthSection, index: number, page: Schemas["Page_Image_"]): void {
    let at = this.sections.indexOf(from);
    let month: MonthSection = from;
    let next = index;
    for (const photo of page.items) {
      while (month && next >= month.photos.length) {
        at += 1;
        next = 0;
        month = this.sections[at] as MonthSection;
      }
      if (!month) break;
      this.put(month, next, photo);
      next += 1;
    }
    if (page.next_cursor && month && next < month.photos.length) month.cursors.set(next, page.next_cursor);
    this.revision += 1;
  }

  /** Cursors that stand behind removed photos move up with what they go on with. */
  protected override beforeRemoval(section: Section, gone: ReadonlySet<string>): void {
    const month = section as MonthSection;
    const moved = [...month.cursors].map(([index, cursor]): [number, string | null] => [
      index - month.photos.slice(0, index).filter((photo) => photo && gone.has(photo.id)).length,
      cursor,
    ]);
    month.cursors.clear();
    for (const [index, cursor] of moved) if (!month.cursors.has(index)) month.cursors.set(index, cursor);
  }
}

/** Where the list can be entered at or before a photo's place. */
function nearest(month: MonthSection, index: number): number {
  return Math.max(...[...month.cursors.keys()].filter((each) => each <= index));
}

function sectionOf(month: Month): MonthSection {
  return {
    key: month.month,
    title: monthName(month.month),
    photos: new Array<Photo | undefined>(month.count).fill(undefined),
    revision: 0,
    month,
    cursors: new Map([[0, month.cursor]]),
  };
}

type Page = { items: readonly Photo[]; next_cursor: string | null };

/** Any list of pages, in its own order, without headings. */
export class Listing extends Source {
  #page: (cursor: string | undefined) => Promise<Page>;
  #next: string | null = null;
  #running: Promise<void> | null = null;
  #section: Section = { key: "all", title: null, photos: [], revision: 0 };
  /** Changed by `open`: of several, the latest counts. */
  #generation = 0;

  /** Whether more can be loaded. */
  more: boolean = $state(false);

  constructor(page: (cursor: string | undefined) => Promise<Page>, archive: Archive = "without") {
    super();
    this.#page = page;
    this.archive = archive;
  }

  async open(): Promise<void> {
    const generation = ++this.#generation;
    this.failure = null;
    try {
      const page = await this.#page(undefined);
      if (generation !== this.#generation) return;
      this.#section = { key: "all", title: null, photos: [], revision: 0 };
      this.#running = null;
      this.start([this.#section]);
      this.#add(page);
      this.ready = true;
    } catch (error) {
      if (generation === this.#generation) this.failure = error;
    }
  }

  async ensure(section: Section, _start: number, end: number): Promise<void> {
    while (section === this.#section && this.#next !== null && end >= section.photos.length) {
      this.#running ??= this.#more(this.#next, this.#section);
      await this.#running;
    }
  }

  /** The next page, unless the list was opened anew meanwhile, which begins another section. */
  async #more(cursor: string, section: Section): Promise<void> {
    try {
      const page = await this.#page(cursor);
      if (section === this.#section) this.#add(page);
    } finally {
      if (section === this.#section) this.#running = null;
    }
  }

  /** Where all that was loaded goes, what was not comes in its place. */
  override remove(ids: Iterable<string>): void {
    super.remove(ids);
    if (this.sections.length > 0 || this.#next === null) return;
    this.ready = false;
    void this.open();
  }

  /** Photos come to another place of the list, as they did in what is listed. */
  move(
    ids: readonly string[],
    { before, after, to }: { before?: string | null; after?: string | null; to?: string | null },
  ): void {
    const { photos } = this.#section;
    const moved = ids.map((id) => this.photo(id)).filter((photo) => photo !== null);
    const left = photos.filter((photo) => !ids.includes(photo?.id ?? ""));
    const beside = left.findIndex((photo) => photo?.id === (before ?? after));
    const at = to === "start" ? 0 : to === "end" ? left.length : after ? beside + 1 : beside;
    // What is at the end of a list that goes on comes with its last page.
    if (to !== "end" || this.#next === null) left.splice(at, 0, ...moved);
    photos.splice(0, photos.length, ...left);
    this.#section.revision += 1;
    this.revision += 1;
  }

  async renew(photo: Photo): Promise<Ticket | null> {
    const { tickets } = await api.get("/images/{image_id}", { path: { image_id: photo.id } });
    this.update([photo.id], (each) => ({ ...each, tickets: { ...each.tickets, ...tickets } }));
    return tickets.thumbnail ?? null;
  }

  override async neighbour(id: string, step: 1 | -1): Promise<Photo | null> {
    const here = this.position(id);
    if (here && step > 0) await this.ensure(here.section, here.index, here.index + 1);
    return super.neighbour(id, step);
  }

  #add(page: Page): void {
    for (const photo of page.items) {
      // Between two pages a list may have changed, and name again what it named before.
      if (!this.position(photo.id)) this.put(this.#section, this.#section.photos.length, photo);
    }
    this.#next = page.next_cursor;
    this.more = this.#next !== null;
    this.revision += 1;
  }
}
