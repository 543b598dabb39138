/**
 * Coasts and borders: Natural Earth (public domain) as the package world-atlas has it, in TopoJSON. Each scale is loaded
 * when a map is near enough for it.
 */
import { project, type Point } from "./projection";

/** One piece of land, projected: x and y in turn. The first ring is its coast, the others are holes in it. */
export interface Land {
  rings: Float64Array[];
  west: number;
  east: number;
  north: number;
  south: number;
}

export interface Name extends Point {
  text: string;
  /** Of the country's largest piece, in widths of the world. */
  width: number;
}

export interface Atlas {
  lands: Land[];
  names: Name[];
}

interface Geometry {
  type: string;
  arcs?: unknown;
  properties?: { name?: string };
}

export interface Topology {
  transform: { scale: [number, number]; translate: [number, number] };
  arcs: [number, number][][];
  objects: { countries: { geometries: Geometry[] } };
}

/** The zooms from which on a scale is shown, the farthest first. */
export const SCALES: readonly { from: number; load: () => Promise<{ default: unknown }> }[] = [
  { from: 0, load: () => import("world-atlas/countries-110m.json") },
  { from: 3.2, load: () => import("world-atlas/countries-50m.json") },
  { from: 6.2, load: () => import("world-atlas/countries-10m.json") },
];

/** Take a topology apart (https://github.com/topojson/topojson-specification): deltas are added up, arcs joined. */
export function decode({ transform, arcs, objects }: Topology): Atlas {
  const [[wide, high], [left, top]] = [transform.scale, transform.translate];
  const lines = arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx, dy]) => {
      x += dx;
      y += dy;
      return project(y * high + top, x * wide + left);
    });
  });
  const lands: Land[] = [];
  const names: Name[] = [];
  for (const { type, arcs: parts, properties } of objects.countries.geometries) {
    const polygons = (type === "Polygon" ? [parts] : type === "MultiPolygon" ? parts : []) as number[][][];
    const pieces = polygons.map((rings) => landOf(rings.map((ring) => joined(ring, lines))));
    lands.push(...pieces);
    const largest = pieces.toSorted((a, b) => extent(b) - extent(a))[0];
    if (largest && properties?.name) {
      names.push({ text: properties.name, ...middle(largest), width: largest.east - largest.west });
    }
  }
  return { lands, names: names.sort((a, b) => b.width - a.width || (a.text < b.text ? -1 : 1)) };
}

/**
 * An arc with a negative number runs backwards; arcs begin where the one before ended. A ring over the antimeridian goes
 * on beyond the map's edge, and one around the pole is closed below it.
 */
function joined(ring: readonly number[], lines: readonly Point[][]): Float64Array {
  const points: number[] = [];
  for (const [at, arc] of ring.entries()) {
    const line = arc >= 0 ? (lines[arc] ?? []) : (lines[~arc] ?? []).toReversed();
    for (const { x, y } of at === 0 ? line : line.slice(1)) {
      const before = points.at(-2) ?? x;
      points.push(x - Math.round(x - before), y);
    }
  }
  const [first = 0, last = 0] = [points[0], points.at(-2)];
  if (Math.abs(last - first) > 0.5) points.push(last, 1, first, 1, first, points[1] as number);
  return Float64Array.from(points);
}

function landOf(rings: Float64Array[]): Land {
  const [coast = new Float64Array()] = rings;
  let [west, east, north, south] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let at = 0; at < coast.length; at += 2) {
    const [x, y] = [coast[at] as number, coast[at + 1] as number];
    west = Math.min(west, x);
    east = Math.max(east, x);
    north = Math.min(north, y);
    south = Math.max(south, y);
  }
  return { rings, west, east, north, south };
}

const extent = ({ west, east, north, south }: Land): number => (east - west) * (south - north);

/** The centroid of a coast (the shoelace formula). */
export function middle({ rings: [coast = new Float64Array()], west, east, north, south }: Land): Point {
  let [area, x, y] = [0, 0, 0];
  for (let at = 0; at + 3 < coast.length; at += 2) {
    const [ax, ay, bx, by] = coast.subarray(at, at + 4) as unknown as [number, number, number, number];
    const cross = ax * by - bx * ay;
    area += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  }
  if (Math.abs(area) < 1e-15) return { x: (west + east) / 2, y: (north + south) / 2 };
  return { x: x / (3 * area), y: y / (3 * area) };
}
