// Confirms an order by mail and says what became of it: node order.mjs 4711 ann@example.org
//
// In a BullMQ worker the same three lines stand in the processor, with the job's id as the idempotency key.
import { Postroom } from "./postroom.mjs";

const [number, address] = process.argv.slice(2);
const postroom = new Postroom({ url: process.env.POSTROOM_GATEWAY_URL, key: process.env.POSTROOM_API_KEY });

const id = await postroom.send(
  { to: [address], subject: `Your order ${number}`, body: "It is on its way.", metadata: { reference: `order-${number}` } },
  { idempotencyKey: `order-${number}` },
);
const { state, code, message } = await postroom.status(id, { wait: 30_000 });
console.log(JSON.stringify({ id, state, code, message }));
