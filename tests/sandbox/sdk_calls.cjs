// What an application does with the official Node SDK: `node sdk_calls.cjs BASE_URL KEY SECRET`.
// Prints what the SDK returned, or the error that it raised, for each call, as JSON.
const { Event, Suprsend } = require("@suprsend/node-sdk");

async function main(base_url, key, secret) {
  const client = new Suprsend(key, secret, { base_url });
  const attached = new Event("u1", "attached");
  attached.add_attachment("https://example.com/a.pdf", { file_name: "a.pdf", ignore_if_error: true });
  const bulk = client.bulk_events.new_instance();
  for (const number of [1, 2, 3]) {
    bulk.append(new Event(`u${number}`, "bulk", { n: number }, { tenant_id: "acme" }));
  }
  const keyed = () => client.track_event(new Event("u1", "ordered", {}, { idempotency_key: "k1" }));
  const answers = {
    single: await client.track_event(new Event("u1", "ordered", { amount: 10, name: "Zoë" })),
    first: await keyed(),
    again: await keyed(),
    attached: await client.track_event(attached),
    bulk: await bulk.trigger(),
    wrong: await new Suprsend(key, `wrong-${secret}`, { base_url }).track_event(new Event("u1", "ordered")),
  };
  const options = { recipient_id: ["u1", "u9"], status: ["delivered"], channel: "inbox", limit: 10 };
  const [message] = (await client.messages.list({ ...options, idempotency_key: "k1" })).results;
  answers.message = message;
  answers.updated = await client.messages.bulk_update([{ message_id: message.message_id, action: "read" }]);
  answers.read = (await client.messages.list({ status: ["read"] })).meta.count;
  answers.invalid = await client.messages.list({ limit: 0 }).catch((error) => `${error.name}: ${error.message}`);
  console.log(JSON.stringify(answers));
}

main(...process.argv.slice(2));
