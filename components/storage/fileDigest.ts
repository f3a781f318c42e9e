import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { InvalidConfiguration } from "../problems";
import { fileChunks, type NextBuffer, ringOfBuffers } from "./fileChunks";
import type { DigestCache } from "./fileDigestCache";

/** What a file's content is, for an archive. */
export interface FileDigest {
    readonly size: number;
    readonly crc32: number;
    /** In hexadecimal. */
    readonly sha256: string;
    /** The file's state when this was taken: while it has the same, it has the same content. `undefined` where a state says too little. */
    readonly stamp?: string;
}

/** Coarsest clock of a file system that models are kept on: FAT's. */
const CLOCK_GRANULARITY_MILLISECONDS = 2000;

/**
 * Reads a file once for its digests, or not at all when the cache has them.
 * One thread: a second for CRC or for other files gained nothing measurable on two cores, since reading goes on in the background already.
 */
export async function digestFile(path: string, cache?: DigestCache): Promise<FileDigest> {
    const file = await open(path);
    try {
        const startedAt = Date.now();
        const before = await file.stat({ bigint: true });
        const known = await cache?.get(path, stampOf(before));
        if (known !== undefined) {
            return known;
        }
        const digest = await digestOpenFile(file, Number(before.size));
        if (stampOf(await file.stat({ bigint: true })) !== stampOf(before)) {
            throw changed(path, "a file that something writes to", "a file that stays as it is while it is read");
        }
        // What was written to within the clock's granularity could be again without any of its times changing
        // ("racy": git's Documentation/technical/racy-git.txt).
        const lastChange = Math.max(Number(before.mtimeMs), Number(before.ctimeMs));
        if (lastChange > startedAt - CLOCK_GRANULARITY_MILLISECONDS) {
            return digest;
        }
        const stamped = { ...digest, stamp: stampOf(before) };
        await cache?.put(path, stamped);
        return stamped;
    } finally {
        await file.close();
    }
}

/**
 * The content of a file, provided that it is still what the digest was taken of; otherwise an error, at the latest behind its last byte,
 * which names the file.
 *
 * A file whose state vouches for it is checked by its CRC alone, which finds damage; any other by its sha256, and then has that CRC too.
 * For a gigabyte that is 0.3 seconds against 0.9, and decides whether packaging keeps up with torch-model-archiver's zip-store.
 */
export async function* verifiedChunks(path: string, expected: FileDigest, nextBuffer: NextBuffer): AsyncGenerator<Buffer, void, void> {
    const file = await open(path);
    try {
        const { size } = expected;
        const before = await file.stat({ bigint: true });
        if (before.size !== BigInt(size)) {
            throw changed(path, `a file of ${before.size} bytes`, `the file of ${size} bytes that its digest was taken of`);
        }
        if (stampOf(before) === expected.stamp) {
            let crc = 0;
            for await (const chunk of fileChunks(file, size, nextBuffer)) {
                crc = crc32(chunk, crc);
                yield chunk;
            }
            if (crc !== expected.crc32 || stampOf(await file.stat({ bigint: true })) !== expected.stamp) {
                throw changed(
                    path,
                    `a file with CRC ${crc} that may have been written to`,
                    `the file with CRC ${expected.crc32} as it was`,
                );
            }
            return;
        }
        const hash = createHash("sha256");
        for await (const chunk of fileChunks(file, size, nextBuffer)) {
            hash.update(chunk);
            yield chunk;
        }
        const sha256 = hash.digest("hex");
        if (sha256 !== expected.sha256) {
            throw changed(path, `a file with sha256 ${sha256}`, `the file with sha256 ${expected.sha256} that its digest was taken of`);
        }
    } finally {
        await file.close();
    }
}

async function digestOpenFile(file: FileHandle, size: number): Promise<FileDigest> {
    const hash = createHash("sha256");
    let crc = 0;
    for await (const chunk of fileChunks(file, size, ringOfBuffers())) {
        hash.update(chunk);
        crc = crc32(chunk, crc);
    }
    return { size, crc32: crc, sha256: hash.digest("hex") };
}

/** As in git's index: the kernel sets the change time at every write, and nobody can set it back. */
function stampOf({ size, ino, mtimeNs, ctimeNs }: BigIntStats): string {
    return [size, ino, mtimeNs, ctimeNs].join(":");
}

function changed(path: string, found: string, allowed: string): InvalidConfiguration {
    return new InvalidConfiguration([{ path, found, allowed, remedy: "let what writes the file finish, then run again" }]);
}
