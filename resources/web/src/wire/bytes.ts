/** Little-endian fields, as protocols/stream.md lays messages out. Reading is length-exact: what is left over is an error. */

/** The peer sent what is not a message. */
export class WireError extends Error {
  override name = "WireError";
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Takes fields off the front of a message. */
export class Reader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The place of the next `length` bytes. */
  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw new WireError("truncated message");
    this.#at = at + length;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }
  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }
  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  /** A u64 that counts or tells a time; both stay below 2^53 for 285 years. */
  count(): number {
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new WireError(`number out of range: ${value}`);
    return Number(value);
  }

  bool(what: string): boolean {
    const value = this.u8();
    if (value > 1) throw new WireError(`${what}: bad value ${value}`);
    return value === 1;
  }

  /** A copy of the next bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(length);
    return this.#bytes.slice(at, at + length);
  }

  /** A u16 length of at most `cap`, then UTF-8. */
  text(what: string, cap: number): string {
    const length = this.u16();
    if (length > cap) throw new WireError(`${what}: ${length} exceeds ${cap}`);
    const at = this.#take(length);
    try {
      return UTF8.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw new WireError(`${what}: not UTF-8`);
    }
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  get empty(): boolean {
    return this.left === 0;
  }

  /** Nothing may be left. */
  end(): void {
    if (!this.empty) throw new WireError(`${this.left} trailing bytes`);
  }
}

/** Appends fields. */
export class Writer {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Makes room for `length` bytes more and returns where they go. */
  #grow(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return at;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }
  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }
  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }
  i32(value: number): this {
    const at = this.#grow(4);
    this.#view.setInt32(at, value, true);
    return this;
  }
  u64(value: number | bigint): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }
  i64(value: number | bigint): this {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, BigInt(value), true);
    return this;
  }
  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** A u16 length and the text, cut at the last character that fits into `cap` bytes. */
  text(value: string, cap: number): this {
    const bytes = new TextEncoder().encode(value);
    let length = Math.min(bytes.length, cap);
    // Bytes 10xxxxxx continue a character: don't cut before one.
    while (length < bytes.length && length > 0 && ((bytes[length] ?? 0) & 0xc0) === 0x80) length--;
    return this.u16(length).bytes(bytes.subarray(0, length));
  }

  /** What was written. */
  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }
}
