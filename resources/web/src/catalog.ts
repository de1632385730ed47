/** The part of a hang catalog that we need. Pure. */

/** The video track's name. */
export const VIDEO = "video";

/** What the catalog says of the video. */
export interface VideoConfig {
  codec: string;
  width: number;
  height: number;
}

/** The video's rendition in a hang catalog; undefined if there is none that we can take. */
export function videoConfig(catalog: unknown): VideoConfig | undefined {
  const rendition = at(catalog, "video", "renditions", VIDEO);
  const [codec, width, height] = ["codec", "codedWidth", "codedHeight"].map((name) => at(rendition, name));
  if (typeof codec !== "string" || typeof width !== "number" || typeof height !== "number") return undefined;
  return { codec, width, height };
}

/** What the catalog calls the descriptions of a game's colours, and what people do. */
const COLORS = new Map<unknown, string>([
  ["srgb", "sRGB"],
  ["bt2020-pq", "BT.2020 PQ (encoded as sRGB)"],
  ["scrgb", "scRGB (encoded as sRGB)"],
  ["other", "other colours (encoded as sRGB)"],
]);

/** What the game says of its picture, in words: its colours (sRGB, if it says nothing), its kind, and whether it may tear. */
export function contentFacts(catalog: unknown): string[] {
  const [color, content, tearing] = ["color", "content", "tearing"].map((name) => at(catalog, "goggles", name));
  const kind = content === "game" || content === "video" || content === "photo" ? [content] : [];
  return [COLORS.get(color) ?? "sRGB", ...kind, tearing === true ? "async" : "vsync"];
}

/** What the catalog says of a rendition of the sound. */
export interface AudioConfig {
  /** The track's name. */
  name: string;
  codec: string;
  sampleRate: number;
  channels: number;
  /** The decoder's head (OpusHead), which more than two channels need. */
  description: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * The sound's rendition in a hang catalog: of those with no more channels than can be played the one with the most, and
 * the newest of equals. undefined: there is none that we can take.
 */
export function audioConfig(catalog: unknown, maxChannels: number): AudioConfig | undefined {
  const renditions = at(catalog, "audio", "renditions");
  if (typeof renditions !== "object" || renditions === null) return undefined;
  const configs = Object.entries(renditions).flatMap(([name, value]) => rendition(name, value) ?? []);
  const rank = ({ channels }: AudioConfig): number => (channels <= maxChannels ? channels : -channels);
  return configs.reduce<AudioConfig | undefined>((best, c) => (best && rank(best) > rank(c) ? best : c), undefined);
}

function rendition(name: string, value: unknown): AudioConfig | undefined {
  const [codec, sampleRate, channels, head] = ["codec", "sampleRate", "numberOfChannels", "description"].map((field) =>
    at(value, field),
  );
  if (codec !== "opus" || typeof sampleRate !== "number" || typeof channels !== "number") return undefined;
  if (!(channels >= 1 && channels <= 8) || (head !== undefined && head !== null && typeof head !== "string")) return undefined;
  return { name, codec, sampleRate, channels, description: typeof head === "string" ? unhex(head) : undefined };
}

function unhex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function at(value: unknown, ...path: string[]): unknown {
  let here = value;
  for (const name of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Record<string, unknown>)[name];
  }
  return here;
}
