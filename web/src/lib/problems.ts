/** What went wrong, in a sentence for a person. */
export class Problem extends Error {
  override name = "Problem";
  /** The answer's status; 0 when there was none. */
  readonly status: number;
  /** The last part of the problem's type, such as "conflict"; "offline" and "unreachable" are of our own. */
  readonly kind: string;
  /** What is wrong with single fields, by their names. */
  readonly fields: Readonly<Record<string, string>>;
  /** Seconds that the server asks to wait. */
  readonly retryAfter: number | null;

  constructor(message: string, more: Partial<Pick<Problem, "status" | "kind" | "fields" | "retryAfter">> = {}) {
    super(message);
    this.status = more.status ?? 0;
    this.kind = more.kind ?? "unknown";
    this.fields = more.fields ?? {};
    this.retryAfter = more.retryAfter ?? null;
  }
}

const SENTENCES: Readonly<Record<number, string>> = {
  0: "The vault cannot be reached. Check your connection and try again.",
  401: "Your session has ended. Log in again.",
  403: "This is not allowed.",
  404: "This is not here any more.",
  409: "Something changed meanwhile. Reload and try again.",
  413: "This is larger than the vault takes.",
  429: "That was too often. Wait a moment and try again.",
  500: "Something went wrong in the vault.",
  502: "The vault does not answer right now. Try again in a moment.",
  503: "The vault does not answer right now. Try again in a moment.",
  504: "The answer took too long. Try again in a moment.",
};

interface Body {
  type?: string;
  title?: string;
  detail?: string;
  request_id?: string;
  errors?: { field: string; message: string }[];
}

/** What an answer that is no success says (RFC 9457), or what its status means where it says nothing. */
export async function problemOf(response: Response): Promise<Problem> {
  const body = await bodyOf(response);
  const seconds = Number(response.headers.get("retry-after"));
  const fields = Object.fromEntries((body.errors ?? []).map(({ field, message }) => [field, sentence(message)]));
  const told = body.detail && body.detail !== "Not found" ? body.detail : undefined;
  return new Problem(sentence(told ?? SENTENCES[response.status] ?? body.title ?? "The vault refused this."), {
    status: response.status,
    kind: body.type?.split("/").pop() || "unknown",
    fields,
    retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds : null,
  });
}

/** Nobody answered. */
export function unreachable(): Problem {
  if (globalThis.navigator?.onLine === false) {
    return new Problem("You are offline. This works again when you are back.", { kind: "offline" });
  }
  return new Problem(SENTENCES[0] as string, { kind: "unreachable" });
}

/** A sentence for whatever was thrown. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TypeError && /fetch|network|load failed/i.test(error.message)) return unreachable();
  console.error(error);
  return new Problem("Something went wrong on this page. Reload it and try again.");
}

/** Whether it is about the proof of who somebody is: a password, a code or a proof that is wrong or missing. */
export function isAboutProof({ kind }: Problem): boolean {
  return kind === "password-wrong" || kind === "proof-needed" || isAboutCode(kind);
}

/** Whether a kind of problem is about the code of two-step log-in. */
export function isAboutCode(kind: string | undefined): boolean {
  return kind === "second-factor-needed" || kind === "second-factor-wrong";
}

/** Whether the vault looked at what it was given and refused it: it would again. */
export const isRefusal = ({ status }: Problem): boolean => [413, 415, 422].includes(status);

/** Whether something was called off, which nobody needs to be told. */
export function wasAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

async function bodyOf(response: Response): Promise<Body> {
  if (!/json/.test(response.headers.get("content-type") ?? "")) return {};
  try {
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null ? body : {};
  } catch {
    return {};
  }
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}
