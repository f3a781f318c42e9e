import { PolicyPack } from "@pulumi/policy";
import { pinnedImages } from "./pinnedImages";
import { privateBuckets } from "./privateBuckets";

// Alone in this file: making a pack starts a server, which would keep a test or a program from ending (pulumi/pulumi#10381).
new PolicyPack("kserve-torchserve", { policies: [privateBuckets, pinnedImages] });
