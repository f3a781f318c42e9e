/**
 * The bytes around the files of a zip archive: stored entries, sizes and CRC in front of the data. Written here because
 * - TorchServe unpacks an archive as a stream (`ZipUtils.java`, `ZipInputStream`), which takes a stored entry only when its local header
 *   has the sizes; yazl 3.3, zip-stream 7, client-zip 2.5 and fflate 0.8 put them behind the data for anything that they stream;
 * - an archive's digest is known before its bytes are, so the bytes must follow from the layout for ever; libraries change theirs in
 *   minor releases (yazl 3.3.0 added a time field). @zip.js/zip.js 2.24 (`passThrough`) can write such entries, but takes 130 to 300 MB
 *   for 1 GiB, and a date in local time.
 * Source: PKWARE APPNOTE.TXT 6.3.10, 4.3.7 (local header), 4.3.12 (central directory), 4.3.14-16 (ends), 4.5.3 (zip64).
 */
export interface ZipEntry {
    /** Path in the archive, `/` between its parts. */
    readonly name: string;
    readonly size: number;
    readonly crc32: number;
}

const UINT16_MAX = 0xffff;
const UINT32_MAX = 0xffffffff;
const VERSION_STORED = 10;
const VERSION_ZIP64 = 45;
/** Upper byte 3: the attributes are Unix's. */
const MADE_BY_UNIX = (3 << 8) | VERSION_ZIP64;
const UTF8_NAME = 0x0800;
const STORED = 0;
/** 1980-01-01 00:00, the earliest that a zip can say; it has no time zone. */
const DOS_TIME = 0;
const DOS_DATE = (1 << 5) | 1;
/** A regular file that everybody reads and the owner writes. */
const MODE = 0o100644 * 2 ** 16;

/** What stands before an entry's data. */
export function localHeader({ name, size, crc32 }: ZipEntry): Buffer {
    const bytes = new Fields();
    const big = size >= UINT32_MAX;
    const encoded = Buffer.from(name);
    bytes
        .uint32(0x04034b50)
        .uint16(big ? VERSION_ZIP64 : VERSION_STORED)
        .uint16(UTF8_NAME)
        .uint16(STORED);
    bytes.uint16(DOS_TIME).uint16(DOS_DATE).uint32(crc32).size32(size).size32(size);
    bytes
        .uint16(encoded.length)
        .uint16(big ? 20 : 0)
        .raw(encoded);
    if (big) {
        bytes.uint16(1).uint16(16).uint64(size).uint64(size);
    }
    return bytes.toBuffer();
}

/** What stands after the last entry's data. */
export function centralDirectory(entries: readonly ZipEntry[]): Buffer {
    const bytes = new Fields();
    let start = 0;
    for (const entry of entries) {
        directoryHeader(bytes, entry, start);
        start += localHeader(entry).length + entry.size;
    }
    const length = bytes.length;
    if (entries.length >= UINT16_MAX || length >= UINT32_MAX || start >= UINT32_MAX) {
        bytes.uint32(0x06064b50).uint64(44).uint16(MADE_BY_UNIX).uint16(VERSION_ZIP64).uint32(0).uint32(0);
        bytes.uint64(entries.length).uint64(entries.length).uint64(length).uint64(start);
        bytes
            .uint32(0x07064b50)
            .uint32(0)
            .uint64(start + length)
            .uint32(1);
    }
    const count = Math.min(entries.length, UINT16_MAX);
    bytes.uint32(0x06054b50).uint16(0).uint16(0).uint16(count).uint16(count).size32(length).size32(start).uint16(0);
    return bytes.toBuffer();
}

/** Bytes of the whole archive. */
export function zipSize(entries: readonly ZipEntry[]): number {
    return entries.reduce((sum, entry) => sum + localHeader(entry).length + entry.size, centralDirectory(entries).length);
}

function directoryHeader(bytes: Fields, { name, size, crc32 }: ZipEntry, start: number): void {
    const encoded = Buffer.from(name);
    // Only the values that do not fit stand in the zip64 field, in this order.
    const wide = [size, size, start].filter(value => value >= UINT32_MAX);
    bytes
        .uint32(0x02014b50)
        .uint16(MADE_BY_UNIX)
        .uint16(wide.length > 0 ? VERSION_ZIP64 : VERSION_STORED)
        .uint16(UTF8_NAME)
        .uint16(STORED);
    bytes.uint16(DOS_TIME).uint16(DOS_DATE).uint32(crc32).size32(size).size32(size);
    bytes
        .uint16(encoded.length)
        .uint16(wide.length > 0 ? 4 + 8 * wide.length : 0)
        .uint16(0)
        .uint16(0)
        .uint16(0);
    bytes.uint32(MODE).size32(start).raw(encoded);
    if (wide.length > 0) {
        bytes.uint16(1).uint16(8 * wide.length);
        for (const value of wide) {
            bytes.uint64(value);
        }
    }
}

/** Little-endian fields, one after the other. */
class Fields {
    private readonly parts: Buffer[] = [];
    length = 0;

    uint16(value: number): this {
        const part = Buffer.alloc(2);
        part.writeUInt16LE(value);
        return this.raw(part);
    }

    uint32(value: number): this {
        const part = Buffer.alloc(4);
        part.writeUInt32LE(value);
        return this.raw(part);
    }

    /** A size or an offset; one that does not fit is all ones here and stands in a zip64 field. */
    size32(value: number): this {
        return this.uint32(Math.min(value, UINT32_MAX));
    }

    uint64(value: number): this {
        const part = Buffer.alloc(8);
        part.writeBigUInt64LE(BigInt(value));
        return this.raw(part);
    }

    raw(part: Buffer): this {
        this.parts.push(part);
        this.length += part.length;
        return this;
    }

    toBuffer(): Buffer {
        return Buffer.concat(this.parts);
    }
}
