// One of everything that the sandbox makes. What it does differently in a test is in the stack's configuration.
const { appendFileSync } = require("node:fs");
const pulumi = require("@pulumi/pulumi");
const { Account } = require("@pulumi/gcp/serviceaccount/account");
const { Bucket } = require("@pulumi/gcp/storage/bucket");
const { BucketIAMMember } = require("@pulumi/gcp/storage/bucketIAMMember");
const { ConfigMap } = require("@pulumi/kubernetes/core/v1/configMap");
const { Namespace } = require("@pulumi/kubernetes/core/v1/namespace");
const { Secret } = require("@pulumi/kubernetes/core/v1/secret");
const { Provider } = require("@pulumi/kubernetes/provider");
const { RandomId } = require("@pulumi/random/randomId");

const config = new pulumi.Config();
const has = part => config.getObject("parts")?.includes(part) ?? false;
const ledger = line => appendFileSync(config.require("ledger"), `${line}\n`);

/** A resource whose provider is code of this program, given as a constant text so that nothing is serialized. */
class Note extends pulumi.CustomResource {
    constructor(name, props, opts) {
        const __provider = `exports.handler = () => require("node:module").createRequire(process.cwd() + "/")("./noteProvider.js").provider`;
        super("pulumi-nodejs:dynamic/fixture:Note", name, { ...props, text: props.text, written: undefined, __provider }, opts);
    }
}

class Greeting extends pulumi.ComponentResource {
    constructor(name, args, opts) {
        super("fixture:index:Greeting", name, args, opts);
        const hook = ({ name, id }) => ledger(`made ${name} ${id}`);
        this.map = new ConfigMap(
            name,
            { metadata: { name, namespace: args.namespace }, data: { text: args.text } },
            { parent: this, hooks: { afterCreate: [hook], afterUpdate: [hook] } },
        );
        this.registerOutputs({});
    }
}

if (has("throw")) {
    throw new Error("services[0].name: 7 is not a name; give it one");
}
const provider = new Provider("cluster", { context: config.require("context") });
const namespace = new Namespace("space", { metadata: { name: config.get("namespace") ?? "fixture" } }, { provider });
const space = namespace.metadata.name;
const loud = ({ type, props, opts }) =>
    type === "kubernetes:core/v1:ConfigMap" ? { props: { ...props, data: { ...props.data, loud: "yes" } }, opts } : undefined;
const greeting = new Greeting("greeting", { namespace: space, text: config.require("greeting") }, { provider, transforms: [loud] });
const password = config.requireSecret("password");
new Secret("password", { metadata: { name: "password", namespace: space }, stringData: { password } }, { provider });
const suffix = new RandomId("suffix", { byteLength: 3 });

if (!has("no bucket")) {
    const reader = new Account("reader", { accountId: "reader" });
    const bucket = new Bucket("models", {
        name: pulumi.interpolate`fixture-${suffix.hex}`,
        location: "EU",
        uniformBucketLevelAccess: true,
        forceDestroy: true,
        versioning: { enabled: true },
        softDeletePolicy: { retentionDurationSeconds: 604800 },
        lifecycleRules: [{ action: { type: "Delete" }, condition: { daysSinceNoncurrentTime: 7 } }],
    });
    new BucketIAMMember("reader", { bucket: bucket.name, role: "roles/storage.objectViewer", member: reader.member });
    exports.bucket = bucket.url;
}
if (!has("no extra")) {
    new ConfigMap("extra", { metadata: { name: "extra", namespace: space }, data: { a: "b" } }, { provider, protect: has("protect") });
}
if (has("unsupported")) {
    new pulumi.CustomResource("aws:s3/bucket:Bucket", "elsewhere", {});
    new ConfigMap("ignoring", { metadata: { name: "ignoring" } }, { provider, ignoreChanges: ["data"] });
}
if (has("cloud")) {
    fetch("https://storage.googleapis.com/storage/v1/b").catch(() => undefined);
}
const note = new Note(
    "note",
    { text: greeting.map.data.text, password, ledger: config.require("ledger"), fails: has("failing note"), wrong: has("wrong note") },
    { dependsOn: greeting.map },
);
exports.note = note.written;
exports.suffix = suffix.hex;
exports.password = password;
exports.uid = greeting.map.metadata.uid;
