import { describe, expect, it } from "vitest";
import { configProperties, torchServeConfigProblems } from "../../../components/torchserve/configProperties";

const lines = (config = {}) => configProperties({ config, snapshot: '{"models":{}}', installRequirements: false }).split("\n");

describe("config.properties", () => {
    it("has what the KServe wrapper of 0.9 stops without", () => {
        const keys = lines().map(line => line.split("=")[0]);
        expect(keys).toEqual(
            expect.arrayContaining(["inference_address", "management_address", "grpc_inference_port", "model_store", "model_snapshot"]),
        );
    });

    it("serves metrics, and leaves the envelope to KServe", () => {
        expect(lines()).toContain("metrics_mode=prometheus");
        expect(lines().join()).not.toMatch(/service_envelope|metrics_format/);
    });

    it("keeps the management API inside the pod", () => {
        expect(lines()).toContain("management_address=http://127.0.0.1:8085");
    });

    it("is key=value line by line, without comments, which the wrapper would parse", () => {
        for (const line of lines().slice(0, -1)) {
            expect(line).toMatch(/^[a-z_]+=.+$/);
        }
        expect(lines().at(-1)).toBe("");
    });

    it("hands every setting on, and installs requirements when a model brings some", () => {
        const text = configProperties({
            config: { jobQueueSize: 10, nettyThreads: 4, maxRequestBytes: 10000, maxResponseBytes: 20000 },
            snapshot: "{}",
            installRequirements: true,
        });
        for (const line of [
            "job_queue_size=10",
            "number_of_netty_threads=4",
            "max_request_size=10000",
            "max_response_size=20000",
            "install_py_dep_per_model=true",
        ]) {
            expect(text.split("\n")).toContain(line);
        }
    });

    it("refuses what TorchServe cannot read as an int", () => {
        const problems = torchServeConfigProblems({ jobQueueSize: 0, maxRequestBytes: 2 ** 31, nettyThreads: 1.5 }, "t");
        expect(problems.map(p => p.path)).toEqual(["t.jobQueueSize", "t.nettyThreads", "t.maxRequestBytes"]);
    });
});
