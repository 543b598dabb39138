/** A form's request: whether it is on its way, and what was wrong with it, at its field where there is one. */
import { tick } from "svelte";

import { asProblem, isAboutCode, type Problem } from "../problems";
import { toasts } from "../ui/toasts.svelte";

export class Asking {
  busy = $state(false);
  problem = $state.raw<Problem | null>(null);
  readonly #fields: readonly string[];
  readonly #conflict: string | null;

  /** `fields` are those of the form, by the names that the API has for them; `conflict` is what a 409 is about. */
  constructor(fields: readonly string[] = [], conflict: string | null = null) {
    this.#fields = fields;
    this.#conflict = conflict;
  }

  /**
   * Do it, once at a time. Whether it went well; if not, what is wrong stands here, and its field has the focus. Of a
   * form that was left meanwhile, it is said at the edge of the page.
   */
  async run(work: () => Promise<void>, form?: HTMLElement | null): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.problem = asProblem(error);
    } finally {
      this.busy = false;
    }
    await tick();
    if (form && !form.isConnected) toasts.failed(this.problem);
    form?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
    return false;
  }

  /** What is wrong with a field. */
  at(field: string): string | undefined {
    if (this.problem?.kind === "conflict" && field === this.#conflict) return this.problem.message;
    return this.problem ? wrongAt(field, this.problem) : undefined;
  }

  /** What is wrong and belongs to no field. */
  get rest(): string | null {
    if (this.problem === null || this.#fields.some((field) => this.at(field) !== undefined)) return null;
    return this.problem.message;
  }

  forget(): void {
    this.problem = null;
  }
}

/** What a problem says about a field; "password" and "code" are those of a proof. */
export function wrongAt(field: string, { kind, fields, message }: Problem): string | undefined {
  if (field === "password" && kind === "password-wrong") return message;
  if (field === "code" && kind === "second-factor-needed")
    return "Type the code of your authenticator, or a recovery code.";
  if (field === "code" && isAboutCode(kind)) return message;
  const named = Object.keys(fields).find((name) => name === field || name.startsWith(`${field}.`));
  return named === undefined ? undefined : fields[named];
}
