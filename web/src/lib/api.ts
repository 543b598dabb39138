/**
 * The API, by its own description: paths, parameters, bodies and answers are typed by what /openapi.json says.
 *
 *     const page = await api.get("/images/list", { query: { limit: 200 } });
 *     await api.patch("/images/{image_id}", { path: { image_id }, body: { caption } });
 *
 * Whatever is no success is thrown as a `Problem`, whose message can be shown. Reading is tried again when the network or
 * a server stumbles; changes are not, because the first try may have worked.
 */
import { addressOf, type Query } from "./base";
import { isAboutProof, problemOf, unreachable, wasAborted } from "./problems";
import type { components, paths } from "./schema";
import * as tokens from "./tokens";

export type Schemas = components["schemas"];

type Method = "get" | "post" | "put" | "patch" | "delete";
type Operation<P, M extends Method> = P extends keyof paths ? (M extends keyof paths[P] ? paths[P][M] : never) : never;
export type PathsWith<M extends Method> = {
  [P in keyof paths]: M extends keyof paths[P] ? (paths[P][M] extends { responses: unknown } ? P : never) : never;
}[keyof paths];

type Parameters<O, Kind extends "path" | "query"> = O extends { parameters: { [K in Kind]?: infer Given } }
  ? Exclude<Given, undefined>
  : never;
type Body<O> = O extends { requestBody?: { content: { "application/json": infer Given } } } ? Given : never;
type Success<O> = O extends { responses: infer R }
  ? { [Status in keyof R]: Status extends 200 | 201 | 202 ? R[Status] : never }[keyof R]
  : never;
export type Answer<P, M extends Method> =
  Success<Operation<P, M>> extends { content: { "application/json": infer Found } } ? Found : undefined;

type Given<O> = {
  path?: Parameters<O, "path">;
  query?: Parameters<O, "query">;
  body?: Body<O>;
  signal?: AbortSignal;
  /** Any text that this request alone has: sent again with it, it makes nothing twice. */
  once?: string;
};

interface Asked {
  path?: Record<string, unknown>;
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  once?: string;
}

/** Waits in milliseconds before the second and later tries to read. */
const WAITS = [300, 1000, 3000];
const STUMBLES = new Set([429, 502, 503, 504]);

const asking =
  <M extends Method>(method: M) =>
  <P extends PathsWith<M>>(path: P, given: Given<Operation<P, M>> = {}): Promise<Answer<P, M>> =>
    ask(method, path, given as Asked) as Promise<Answer<P, M>>;

export const api = {
  get: asking("get"),
  post: asking("post"),
  put: asking("put"),
  patch: asking("patch"),
  delete: asking("delete"),
};

/** The answer to a request of the person who is logged in, as it came. Throws `Problem`, or what `signal` was given. */
export async function request(path: string, init: RequestInit = {}, query: Query = {}): Promise<Response> {
  const address = addressOf(path, query);
  const reading = (init.method ?? "GET") === "GET";
  for (let tried = 0; ; tried += 1) {
    const response = await authorised(address, init, reading && tried < WAITS.length);
    if (response?.ok || response?.status === 304) return response;
    const problem = response === null ? unreachable() : await problemOf(response);
    const wait = WAITS[tried];
    if (!reading || wait === undefined || (response !== null && !STUMBLES.has(response.status))) throw problem;
    if (problem.kind === "offline" || (problem.retryAfter ?? 0) > 10) throw problem;
    await pause(Math.max(wait * (0.75 + Math.random() / 2), (problem.retryAfter ?? 0) * 1000), init.signal);
  }
}

/** The answer, or null when there is none. A session whose token has run out is renewed once. */
async function authorised(address: URL, init: RequestInit, mayFail: boolean): Promise<Response | null> {
  try {
    const token = await tokens.current();
    const response = await fetch(address, withToken(init, token));
    if (response.status !== 401 || token === null || (await wantsProof(response))) return response;
    const renewed = await tokens.renew(token);
    return renewed === null ? response : await fetch(address, withToken(init, renewed));
  } catch (error) {
    if (wasAborted(error) || init.signal?.aborted) throw error;
    if (error instanceof TypeError) return null;
    if (mayFail && error instanceof Error && error.name === "Problem" && (error as { status?: number }).status === 0) {
      return null;
    }
    throw error;
  }
}

/** Whether a password or a code was wrong or is missing, which says nothing about the session. */
async function wantsProof(response: Response): Promise<boolean> {
  return isAboutProof(await problemOf(response.clone()));
}

function withToken(init: RequestInit, token: string | null): RequestInit {
  const headers = new Headers(init.headers);
  if (token !== null) headers.set("Authorization", `Bearer ${token}`);
  return { ...init, headers };
}

async function ask(
  method: Method,
  path: string,
  { path: names = {}, query, body, signal, once }: Asked,
): Promise<unknown> {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(names[name])));
  const init: RequestInit = { method: method.toUpperCase(), headers: { Accept: "application/json" } };
  if (signal) init.signal = signal;
  if (once) init.headers = { ...init.headers, "Idempotency-Key": once };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "Content-Type": "application/json" };
  }
  const response = await request(filled, init, query);
  return response.status === 204 ? undefined : response.json();
}

function pause(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
