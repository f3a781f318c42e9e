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
}

/**
 * Reads a file once for its digests, or not at all when the cache has them.
 * One thread: a second for CRC or for other files gained nothing measurable on two cores, since reading goes on in the background already.
 */
export async function digestFile(path: string, cache?: DigestCache): Promise<FileDigest> {
    const file = await open(path);
    try {
        const startedAt = Date.now();
        const before = await file.stat({ bigint: true });
        const known = await cache?.get(path, before);
        if (known !== undefined) {
            return known;
        }
        const digest = await digestOpenFile(file, Number(before.size));
        if (!sameContent(before, await file.stat({ bigint: true }))) {
            throw changed(path, "a file that something writes to", "a file that stays as it is while it is read");
        }
        await cache?.put(path, before, digest, startedAt);
        return digest;
    } finally {
        await file.close();
    }
}

/**
 * The content of a file, provided that it is still what the digest was taken of; otherwise an error before the end, which names the
 * file. sha256 alone is compared: a file of the same size and sha256 has the same CRC.
 */
export async function* verifiedChunks(path: string, expected: FileDigest, nextBuffer: NextBuffer): AsyncGenerator<Buffer, void, void> {
    const file = await open(path);
    try {
        const { size } = await file.stat();
        if (size !== expected.size) {
            throw changed(path, `a file of ${size} bytes`, `the file of ${expected.size} bytes that its digest was taken of`);
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

function sameContent(a: BigIntStats, b: BigIntStats): boolean {
    return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

function changed(path: string, found: string, allowed: string): InvalidConfiguration {
    return new InvalidConfiguration([{ path, found, allowed, remedy: "let what writes the file finish, then run again" }]);
}
