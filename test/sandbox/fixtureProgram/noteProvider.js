const { appendFileSync } = require("node:fs");

exports.provider = {
    async check(_olds, news) {
        return { inputs: news, failures: news.wrong ? [{ property: "text", reason: "is not a text" }] : [] };
    },
    async create(inputs) {
        appendFileSync(inputs.ledger, "asked\n");
        if (inputs.fails) {
            throw new Error(`the note was not taken by ${inputs.password}`);
        }
        return { id: "note", outs: { ...inputs, written: `${inputs.text}!` } };
    },
};
