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

/** What is wrong with them, if anything is. */
export function wrongLabels(labels: readonly string[]): string | null {
  if (labels.length === 0) return "Type a word, such as beach.";
  if (labels.length > MOST_AT_ONCE) return `At most ${MOST_AT_ONCE} labels at once.`;
  return labels.some((label) => label.length > 100) ? "A label has at most 100 characters." : null;
}

const say = (ids: readonly string[], verb: Verb, names: readonly string[]): Promise<Schemas["Edited"]> =>
  api.post("/images/edit", { body: { image_ids: [...ids], [verb]: [...names] } });

/**
 * Add labels to photos or remove them. `done` is told when that is so, `undone` when it was undone. What the earlier of many
 * requests did stays done, with its way back, if a later one fails.
 */
export async function relabel(
  ids: readonly string[],
  verb: "add_labels" | "remove_labels",
  names: readonly string[],
  done: () => void,
  undone = done,
): Promise<void> {
  const steps: Schemas["LabelChange"][] = [];
  let changed = 0;
  try {
    await inLots(ids, async (some) => {
      const edited = await say(some, verb, names);
      steps.push(...edited.labels);
      changed += edited.changed;
    });
    if (steps.length > 0) done();
  } finally {
    if (steps.length > 0) {
      toasts.done(
        told(verb, names, ids.length === 1 ? null : changed),
        undoing(async () => {
          for (let step = steps[0]; step; steps.shift(), step = steps[0])
            await say(step.image_ids, step.undo, [step.name]);
          undone();
        }),
      );
    }
  }
  if (steps.length === 0) toasts.done(unchanged(verb, names, ids.length));
}

function listed(names: readonly string[]): string {
  const quoted = names.map((name) => `“${name}”`);
  return quoted.length > 3 ? plural(quoted.length, "label") : quoted.join(", ");
}

function told(verb: Verb, names: readonly string[], photos: number | null): string {
  const [did, to] = verb === "add_labels" ? ["added", "to"] : ["removed", "from"];
  return `${listed(names)} ${did}${photos === null ? "" : ` ${to} ${plural(photos, "photo")}`}.`;
}

function unchanged(verb: Verb, names: readonly string[], photos: number): string {
  const [it, all] = [listed(names), photos === 1 ? "The photo" : `All ${plural(photos, "photo")}`];
  if (verb === "add_labels") return `${all} had ${it} already.`;
  return `${photos === 1 ? "The photo did not have" : `None of ${plural(photos, "photo")} had`} ${it}.`;
}
