// node bullmq_enqueue.mjs many|one|hundred|paced N: prints "began", each key, "ended" (see harness/enqueueing.py).
import { Queue } from "bullmq";

const [, , way, count] = process.argv;
const redis = new URL(process.env.BENCH_REDIS);
const queue = new Queue("mails", { connection: { host: redis.hostname, port: Number(redis.port) } });
const body = "Somebody asked for a new password for your account. Ignore this if it was not you.\n".repeat(12);
const mail = (i) => ({ to: `ann${i}@example.com`, subject: `Mail ${i}`, body });
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const N = Number(count);
const warm = Number(process.env.BENCH_WARM ?? 0);

async function add(from, to, into) {
  if (way === "many") {
    for (let i = from; i < to; i += 500) {
      const jobs = await queue.addBulk(range(i, Math.min(to, i + 500)).map((k) => ({ name: "mail", data: mail(k) })));
      for (const job of jobs) into.push(job.id);
    }
  } else if (way === "hundred") {
    for (let i = from; i < to; i += 100) {
      const jobs = await Promise.all(range(i, Math.min(to, i + 100)).map((k) => queue.add("mail", mail(k))));
      for (const job of jobs) into.push(job.id);
    }
  } else for (let i = from; i < to; i++) into.push((await queue.add("mail", mail(i))).id);
}

await queue.waitUntilReady();
if (warm) {
  await add(0, warm, []);
  await queue.drain(true);
}
if (way === "paced") {
  const start = Date.now();
  for (let i = 0; i < N; i++) {
    const due = start + (i * 1000) / 50;
    if (Date.now() < due) await pause(due - Date.now());
    const asked = Date.now() / 1000;
    const job = await queue.add("mail", mail(i));
    process.stdout.write(`sent ${job.id} ${asked}\n`);
  }
} else {
  const ids = [];
  const cpu = process.cpuUsage();
  const began = performance.timeOrigin / 1000 + performance.now() / 1000;
  await add(0, N, ids);
  const ended = performance.timeOrigin / 1000 + performance.now() / 1000;
  const used = process.cpuUsage(cpu);
  const lines = [`began ${began}`, `ended ${ended}`, `cpu ${(used.user + used.system) / 1e6}`, ...ids.map((id) => `key ${id}`)];
  process.stdout.write(lines.join("\n") + "\n");
}
await queue.close();
