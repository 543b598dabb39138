/** What the settings say in words. */
import type { Schemas } from "../api";
import { plural } from "../format";

export type Scope = Schemas["NewKey"]["scopes"][number];
export type Event = Schemas["NewWebhook"]["events"][number];
export type Webhook = Schemas["Webhook"];
export type Delivery = Schemas["Delivery"];

export const METHODS: Readonly<Record<Schemas["Session"]["method"], string>> = {
  password: "by password",
  totp: "by password and authenticator",
  "recovery-code": "by password and a recovery code",
};

/** In groups, the least first. */
export const SCOPES: Readonly<Record<Scope, { group: string; may: string }>> = {
  "photos:upload": { group: "Photos", may: "Add photos, and ask which are there already" },
  "photos:read": { group: "Photos", may: "See and search photos, with everything that is known of them" },
  "photos:write": { group: "Photos", may: "Edit photos, put them into the trash and take them out" },
  "photos:delete": { group: "Photos", may: "Delete photos in the trash for good" },
  "albums:read": { group: "Albums and people", may: "See albums and what is in them" },
  "albums:write": { group: "Albums and people", may: "Make, edit and delete albums" },
  "people:read": { group: "Albums and people", may: "See people, and who appears with whom" },
  "people:write": { group: "Albums and people", may: "Name, merge, split and hide people" },
  "shares:read": { group: "Sharing", may: "See what is shared" },
  "shares:write": { group: "Sharing", may: "Share with whoever has a link, and end that" },
  "exports:read": { group: "All of it", may: "Export everything, and follow what changes" },
  "account:read": { group: "All of it", may: "See whose key it is, figures, history and jobs" },
};

export const EVENTS: Readonly<Record<Event, string>> = {
  "image.ready": "Photos are there: they can be seen and found",
  "image.rejected": "Photos could not be taken",
  "album.changed": "Albums were made, changed or removed",
  "person.changed": "People were found, named, merged, hidden or removed",
};

export const EVENT_NAMES: Readonly<Record<string, string>> = {
  "image.ready": "Photos are there",
  "image.rejected": "Photos not taken",
  "album.changed": "Albums changed",
  "person.changed": "People changed",
  "webhook.test": "A test",
};

export const keysOf = <Key extends string>(record: Readonly<Record<Key, unknown>>): Key[] =>
  Object.keys(record) as Key[];

/** When a key ends: a choice of so many days from now, or the end of a day of one's own; null for never. */
export function endOf(choice: number | "day" | "never", day: string, now: Date): string | null {
  if (choice === "never") return null;
  if (choice === "day") return day === "" ? null : new Date(`${day}T23:59:59`).toISOString();
  return new Date(now.getTime() + choice * 86_400_000).toISOString();
}

/** What became of one post. */
export function outcomeOf({ state, last_status, last_trouble, attempts }: Delivery): string {
  const why = last_status !== null ? `the answer was ${last_status}` : last_trouble;
  if (state === "delivered") return "Arrived";
  if (state === "failed") return why ? `Did not arrive: ${why}` : "Did not arrive";
  return attempts === 0 || !why ? "On its way" : `Not yet, ${why}`;
}

/** What others have, by its names: the first of them, and how many there are. */
export function programsOf(names: readonly string[], one: string, several: string): string {
  const shown = names.slice(0, 3).join(", ");
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return names.length === 1 ? `${one} (${shown})` : `${several} (${shown}${more})`;
}

/** Who was logged out with another password, and what ended or goes on. */
export function passwordChanged(changed: Schemas["PasswordChanged"]): string {
  const said = ["Your password is changed."];
  const { sessions_ended } = changed;
  if (sessions_ended > 0) {
    said.push(
      sessions_ended === 1 ? "One other device is logged out." : `${sessions_ended} other devices are logged out.`,
    );
  }
  const ended = [changed.api_keys_revoked, changed.webhooks_removed, changed.shares_revoked];
  const stays = [changed.api_keys, changed.webhooks, changed.shares];
  if (ended.some(Boolean)) said.push(`${listed(ended)} ended with it.`);
  if (stays.some(Boolean)) said.push(`${listed(stays)} ${stays.reduce((sum, n) => sum + n) === 1 ? "goes" : "go"} on.`);
  return said.join(" ");
}

/** What others have, as far as there is any: so many API keys, webhooks and links. */
function listed(numbers: readonly number[]): string {
  const kinds = ["API key", "webhook", "shared link"];
  const parts = kinds.flatMap((kind, n) => (numbers[n] ? [plural(numbers[n], kind)] : []));
  return new Intl.ListFormat("en-GB").format(parts);
}

const PROVIDERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  storage: {
    local: "this server's own disk",
    s3: "a bucket of S3",
    cloudinary: "Cloudinary",
    hybrid: "several of them: where one fails, another takes over",
  },
  faces: {
    auto: "the best of the models that are installed here",
    onnx: "YuNet and SFace, on the vault's own machines",
    haar: "a simple finder of faces, without telling people apart",
  },
  embeddings: {
    auto: "the best of the models that are installed here",
    clip: "CLIP, on the vault's own machines",
    phash: "fingerprints of pictures: what looks the same is found, words are not",
  },
  geocoder: {
    offline: "a table of places that the vault brings along; nobody is asked",
    "offline + nominatim": "a table of places, and OpenStreetMap's Nominatim for what it lacks",
  },
};
const WHAT: Readonly<Record<string, string>> = {
  storage: "Sealed files lie in",
  faces: "Faces are found by",
  embeddings: "Pictures are understood by",
  geocoder: "Names of places come from",
};

/** Who does what for the vault: a word for what it is and one for who does it, in the order of the answer. */
export function providersOf(providers: Readonly<Record<string, string>>): { what: string; who: string }[] {
  return Object.entries(providers).map(([kind, name]) => ({
    what: WHAT[kind] ?? kind,
    who: PROVIDERS[kind]?.[name] ?? name,
  }));
}

const RENDITIONS: Readonly<Record<string, string>> = {
  original: "Originals",
  preview: "Previews",
  thumbnail: "Thumbnails",
  motion: "Moving parts of Live Photos",
  face: "Faces",
  metadata: "What is known of each photo",
};
export const renditionName = (name: string): string => RENDITIONS[name] ?? name;

const DRIVERS: Readonly<Record<string, string>> = { local: "This server's disk", s3: "S3", cloudinary: "Cloudinary" };
export const driverName = (name: string): string => DRIVERS[name] ?? name;
