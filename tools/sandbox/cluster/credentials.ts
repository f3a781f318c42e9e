import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StateFolder } from "./stateFolder";

/** Servers make certificates for a year; a cluster older than this gets new ones at its next start. */
const OLDEST_CERTIFICATE_DAYS = 300;

/** Makes what the servers cannot make themselves, once: the key for service accounts' tokens, and the token of the one user. */
export function ensureCredentials(folder: StateFolder): { readonly token: string } {
    mkdirSync(folder.certificates, { recursive: true, mode: 0o700 });
    const privateKey = join(folder.certificates, "service-account.key");
    if (!existsSync(privateKey)) {
        const pair = generateKeyPairSync("rsa", {
            modulusLength: 2048,
            publicKeyEncoding: { type: "spki", format: "pem" },
            privateKeyEncoding: { type: "pkcs1", format: "pem" },
        });
        writeWhole(join(folder.certificates, "service-account.pub"), pair.publicKey);
        writeWhole(privateKey, pair.privateKey);
    }
    const tokens = join(folder.certificates, "tokens.csv");
    if (!existsSync(tokens)) {
        writeWhole(tokens, `${randomBytes(16).toString("hex")},sandbox,1,"system:masters"\n`);
    }
    return { token: readFileSync(tokens, "utf8").split(",")[0] ?? "" };
}

/** Removes certificates that are about to end, for their servers to make new ones. Nothing may be running. */
export function removeOldCertificates(folder: StateFolder, now: number): void {
    for (const path of [join(folder.certificates, "apiserver.crt"), join(folder.webhookCertificate, "tls.crt")]) {
        if (existsSync(path) && now - statSync(path).mtimeMs > OLDEST_CERTIFICATE_DAYS * 24 * 3600 * 1000) {
            rmSync(path);
            rmSync(path.replace(/crt$/, "key"), { force: true });
        }
    }
}

/** Writes a file so that it is there whole or not at all. */
export function writeWhole(path: string, content: string): void {
    writeFileSync(`${path}.new`, content, { mode: 0o600 });
    renameSync(`${path}.new`, path);
}
