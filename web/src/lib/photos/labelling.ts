/** What somebody says that photos show, with its way back. Everything throws `Problem`. */
import { api, type Schemas } from "../api";
import { plural } from "../format";
import { toasts } from "../ui/toasts.svelte";
import { inLots } from "./actions";
import { undoing } from "./undoing";

type Verb = Schemas["LabelChange"]["undo"];

/** As many as one request takes. */
export const MOST_AT_ONCE = 20;

/** Labels as they are typed: one, or several with commas between them. */
export function labelsIn(text: string): string[] {
  const found = text.split(",").map((label) => label.trim().replace(/\s+/g, " "));
  return [...new Map(found.filter(Boolean).map((label) => [label.toLowerCase(), label])).values()];
}

/** The words that search for all photos with a label. A quotation mark in it would end it; search does without. */
export const searchFor = (name: string): string => `label:"${name.replaceAll('"', " ").trim().replace(/\s+/g, " ")}"`;

/** What is wrong with them, if anything is; `orNone` where there need not be any. */
export function wrongLabels(labels: readonly string[], { orNone = false } = {}): string | null {
  if (labels.length === 0 && !orNone) return "Type a word, such as beach.";
  if (labels.length > MOST_AT_ONCE) return `At most ${MOST_AT_ONCE} labels at once.`;
  return labels.some((label) => label.length > 100) ? "A label has at most 100 characters." : null;
}

/** What is said of photos: each of these labels, that they show it or that they do not. */
export interface Said {
  add?: readonly string[];
  remove?: readonly string[];
}

/** A label, and how many of some photos have it. */
export interface Held {
  name: string;
  count: number;
}

/** As many photos as one request for their labels can name. */
const MOST_NAMED = 100;

/** The labels of some photos, those of most of them first. Throws `Problem`. */
export async function labelsOf(ids: readonly string[], signal: AbortSignal): Promise<Held[]> {
  const found = new Map<string, Held>();
  for (let at = 0; at < ids.length; at += MOST_NAMED) {
    let cursor: string | null = null;
    do {
      const query = { image_id: ids.slice(at, at + MOST_NAMED), limit: 200, ...(cursor === null ? {} : { cursor }) };
      const page: Schemas["Page_Label_"] = await api.get("/labels", { query, signal });
      for (const { name, image_count } of page.items) {
        const held = found.get(name.toLowerCase());
        if (held) held.count += image_count;
        else found.set(name.toLowerCase(), { name, count: image_count });
      }
      cursor = page.next_cursor;
    } while (cursor !== null);
  }
  return [...found.values()].sort((one, other) => other.count - one.count || one.name.localeCompare(other.name));
}

const say = (ids: readonly string[], said: Partial<Record<Verb, readonly string[]>>): Promise<Schemas["Edited"]> =>
  api.post("/images/edit", { body: { image_ids: ids, ...said } });

/**
 * Add labels to photos and remove others. `done` is told when that is so, `undone` when it was undone. What the earlier of
 * many requests did stays done, with its way back, if a later one fails.
 */
export async function relabel(
  ids: readonly string[],
  { add = [], remove = [] }: Said,
  done: () => void,
  undone = done,
): Promise<void> {
  const said = {
    ...(add.length > 0 ? { add_labels: add } : {}),
    ...(remove.length > 0 ? { remove_labels: remove } : {}),
  };
  const steps: Schemas["LabelChange"][] = [];
  let changed = 0;
  try {
    await inLots(ids, async (some) => {
      const edited = await say(some, said);
      steps.push(...edited.labels);
      changed += edited.changed;
    });
    if (steps.length > 0) done();
  } finally {
    if (steps.length > 0) {
      toasts.done(
        told({ add, remove }, ids.length === 1 ? null : changed),
        undoing(async () => {
          for (let step = steps[0]; step; steps.shift(), step = steps[0])
            await say(step.image_ids, { [step.undo]: [step.name] });
          undone();
        }),
      );
    }
  }
  if (steps.length === 0) toasts.done(unchanged({ add, remove }, ids.length));
}

function listed(names: readonly string[]): string {
  const quoted = names.map((name) => `“${name}”`);
  return quoted.length > 3 ? plural(quoted.length, "label") : quoted.join(", ");
}

function told({ add, remove }: Required<Said>, photos: number | null): string {
  const both = add.length > 0 && remove.length > 0;
  const added = add.length > 0 ? `${listed(add)} added` : "";
  const removed = remove.length > 0 ? `${listed(remove)} removed` : "";
  if (photos === null) return `${[added, removed].filter(Boolean).join(", ")}.`;
  if (both) return `${added}, ${removed}: ${plural(photos, "photo")}.`;
  return `${added || removed} ${added ? "to" : "from"} ${plural(photos, "photo")}.`;
}

function unchanged({ add, remove }: Required<Said>, photos: number): string {
  const one = photos === 1;
  const had = `${one ? "The photo" : `All ${plural(photos, "photo")}`} had ${listed(add)} already.`;
  const hadNot = `${one ? "The photo did not have" : `None of ${plural(photos, "photo")} had`} ${listed(remove)}.`;
  return [add.length > 0 ? had : "", remove.length > 0 ? hadNot : ""].filter(Boolean).join(" ");
}
