/**
 * The map of the web (EPSG:3857) as a square of side 1, west to east and north to south, and a window into it. Pure.
 */
export interface Point {
  x: number;
  y: number;
}

/** Where the middle of the screen is, and how near; at zoom 0 the world is `TILE` pixels wide, at each further one twice. */
export interface View extends Point {
  zoom: number;
}

export interface Size {
  width: number;
  height: number;
}

/** West, south, east, north in degrees; west greater than east spans the antimeridian. */
export type Box = readonly [number, number, number, number];

export const TILE = 256;
export const NEAREST = 18;
/** Degrees of latitude where the square ends. */
const NORTHERNMOST = 85.0511287798066;
/** Pixels between the edge of the screen and what is to be seen: half a cluster with its name, and what stands there. */
const MARGIN = { x: 88, y: 64 };
/** Of a phone's screen, no more than this is left free at each side. */
const SHARE = 6;

export function project(lat: number, lon: number): Point {
  const bounded = Math.min(NORTHERNMOST, Math.max(-NORTHERNMOST, lat));
  const angle = (bounded * Math.PI) / 180;
  return { x: (lon + 180) / 360, y: (1 - Math.asinh(Math.tan(angle)) / Math.PI) / 2 };
}

export const latOf = (y: number): number => (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;
export const lonOf = (x: number): number => wrapped(x) * 360 - 180;
/** The same place, from 0 to before 1. */
export const wrapped = (x: number): number => x - Math.floor(x);
/** Pixels of the whole world's width. */
export const scaleOf = (zoom: number): number => TILE * 2 ** zoom;

/** So far out that the world fills the screen from side to side, and no farther. */
export const farthest = ({ width }: Size): number => Math.log2(Math.max(width, TILE) / TILE);

/** A window that shows no more than there is: the world goes on to the sides, and ends at the poles. */
export function held(view: View, size: Size): View {
  const zoom = Math.min(NEAREST, Math.max(farthest(size), view.zoom));
  const half = size.height / scaleOf(zoom) / 2;
  const y = half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, view.y));
  return { x: wrapped(view.x), y, zoom };
}

/** Moved by pixels of the screen. */
export function moved(view: View, by: Point, size: Size): View {
  const scale = scaleOf(view.zoom);
  return held({ ...view, x: view.x - by.x / scale, y: view.y - by.y / scale }, size);
}

/** Nearer by so many zooms, while what is `at` (pixels from the middle of the screen) stays where it is. */
export function zoomed(view: View, by: number, size: Size, at: Point = { x: 0, y: 0 }): View {
  const zoom = Math.min(NEAREST, Math.max(farthest(size), view.zoom + by));
  const [was, is] = [scaleOf(view.zoom), scaleOf(zoom)];
  return held({ zoom, x: view.x + at.x / was - at.x / is, y: view.y + at.y / was - at.y / is }, size);
}

/** Where a place is on the screen, in pixels from its top left; of its copies to the sides, the nearest to the middle. */
export function onScreen({ x, y }: Point, view: View, size: Size): Point {
  const scale = scaleOf(view.zoom);
  const aside = x - view.x - Math.round(x - view.x);
  return { x: size.width / 2 + aside * scale, y: size.height / 2 + (y - view.y) * scale };
}

/** What the screen shows. */
export function boxOf(view: View, size: Size): Box {
  const scale = scaleOf(view.zoom);
  const [halfWide, halfHigh] = [size.width / scale / 2, size.height / scale / 2];
  const south = view.y + halfHigh >= 1 ? -90 : latOf(view.y + halfHigh);
  const north = view.y - halfHigh <= 0 ? 90 : latOf(view.y - halfHigh);
  if (halfWide >= 0.4999) return [-180, south, 180, north];
  return [lonOf(view.x - halfWide), south, lonOf(view.x + halfWide), north];
}

/** The nearest window that shows all of a box. */
export function viewOf([west, south, east, north]: Box, size: Size, nearest = 14): View {
  const [topLeft, bottomRight] = [project(north, west), project(south, east)];
  const wide = east < west ? bottomRight.x + 1 - topLeft.x : bottomRight.x - topLeft.x;
  const high = bottomRight.y - topLeft.y;
  const [aside, above] = [Math.min(MARGIN.x, size.width / SHARE), Math.min(MARGIN.y, size.height / SHARE)];
  const room = { width: Math.max(1, size.width - 2 * aside), height: Math.max(1, size.height - 2 * above) };
  const fits = Math.log2(Math.min(room.width / Math.max(wide, 1e-9), room.height / Math.max(high, 1e-9)) / TILE);
  return held({ x: topLeft.x + wide / 2, y: topLeft.y + high / 2, zoom: Math.min(fits, nearest) }, size);
}

/** The smallest box around places, over the antimeridian where that is shorter; null around none. */
export function around(places: readonly { lat: number; lon: number }[]): Box | null {
  if (places.length === 0) return null;
  const lats = places.map(({ lat }) => lat);
  const lons = [...new Set(places.map(({ lon }) => lon))].sort((a, b) => a - b);
  // What is left out is the widest stretch without a place.
  let [west, east, widest] = [
    lons[0] as number,
    lons.at(-1) as number,
    360 - ((lons.at(-1) as number) - (lons[0] as number)),
  ];
  for (let at = 1; at < lons.length; at += 1) {
    const [before, after] = [lons[at - 1] as number, lons[at] as number];
    if (after - before > widest) [west, east, widest] = [after, before, after - before];
  }
  return [west, Math.min(...lats), east, Math.max(...lats)];
}

/** "38.71390,-9.13940,12.00", as an address carries it. */
export const written = ({ x, y, zoom }: View): string =>
  [latOf(y).toFixed(5), lonOf(x).toFixed(5), zoom.toFixed(2)].join(",");

export function read(text: string | null): View | null {
  const [lat = NaN, lon = NaN, zoom = NaN] = (text ?? "").split(",").map(Number);
  if (![lat, lon, zoom].every(Number.isFinite) || Math.abs(lat) > 90 || Math.abs(lon) > 180) return null;
  return { ...project(lat, lon), zoom: Math.min(NEAREST, Math.max(0, zoom)) };
}

export function readBox(text: string | null): Box | null {
  const parts = (text ?? "").split(",").map(Number);
  if (text === null || parts.length !== 4 || !parts.every(Number.isFinite)) return null;
  const [west, south, east, north] = parts as [number, number, number, number];
  if (Math.max(Math.abs(west), Math.abs(east)) > 180 || Math.abs(south) > 90 || Math.abs(north) > 90) return null;
  return south > north ? null : [west, south, east, north];
}

/** A round length and the pixels that it takes at a window's middle, at most `most`. */
export function measure(view: View, most = 110): { words: string; pixels: number } {
  const metres = (40_075_016.686 * Math.cos((latOf(view.y) * Math.PI) / 180)) / scaleOf(view.zoom);
  const room = metres * most;
  const power = 10 ** Math.floor(Math.log10(room));
  const length = power * ([5, 2, 1].find((step) => step * power <= room) ?? 1);
  return { words: length >= 1000 ? `${length / 1000} km` : `${length} m`, pixels: length / metres };
}
