import type { FileHandle } from "node:fs/promises";

/** 1 MiB: smaller chunks cost calls, bigger ones memory, and nothing is gained. */
const CHUNK_BYTES = 1024 * 1024;

/** Gives a buffer of some size or more, which the next chunk of a file is read to. */
export type NextBuffer = (bytes: number) => Buffer;

/** For consumers that keep a chunk, as Node's streams do. */
export const freshBuffers: NextBuffer = bytes => Buffer.allocUnsafeSlow(bytes);

/**
 * For consumers that are done with a chunk when they ask for the next but one: one buffer is being read to, one is with the consumer,
 * and one the consumer may still be writing out. Without it, every byte of a file is a byte of garbage.
 */
export function ringOfBuffers(): NextBuffer {
    const buffers: Buffer[] = [];
    let turn = 0;
    return bytes => {
        turn = (turn + 1) % 3;
        const used = buffers[turn];
        const buffer = used !== undefined && used.length >= bytes ? used : freshBuffers(bytes);
        buffers[turn] = buffer;
        return buffer;
    };
}

/** The first `size` bytes of a file, or as many as it has, each chunk being read while the consumer works on the one before. */
export async function* fileChunks(file: FileHandle, size: number, nextBuffer: NextBuffer): AsyncGenerator<Buffer, void, void> {
    const readAt = async (position: number): Promise<Buffer> => {
        const length = Math.min(CHUNK_BYTES, size - position);
        const { buffer, bytesRead } = await file.read(nextBuffer(length), 0, length, position);
        return buffer.subarray(0, bytesRead);
    };
    let position = 0;
    let ahead = readAt(position);
    try {
        for (let chunk = await ahead; chunk.length > 0; chunk = await ahead) {
            position += chunk.length;
            ahead = readAt(position);
            // It may fail while the consumer works, when nothing awaits it yet.
            ahead.catch(() => undefined);
            yield chunk;
        }
    } finally {
        // The consumer may stop early and close the file, which must not happen during a read.
        await ahead.catch(() => undefined);
    }
}
