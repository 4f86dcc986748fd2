// BullMQ with nodemailer at its best: a pool of kept connections, as many jobs at once as keep it busy.
import { Worker } from "bullmq";
import nodemailer from "nodemailer";

const redis = new URL(process.env.BENCH_REDIS);
const transport = nodemailer.createTransport({
  host: "127.0.0.1",
  port: Number(process.env.BENCH_SMTP_PORT),
  pool: true,
  maxConnections: Number(process.env.BENCH_CONNECTIONS),
  maxMessages: Infinity,
  secure: false,
  ignoreTLS: true,
});
const attachments = process.env.BENCH_FILE ? [{ path: process.env.BENCH_FILE }] : [];

new Worker(
  "mails",
  async (job) => {
    const { to, subject, body } = job.data;
    const info = await transport.sendMail({ from: "shop@example.com", to, subject, text: body, attachments });
    return { accepted: info.accepted, response: info.response };
  },
  { connection: { host: redis.hostname, port: Number(redis.port) }, concurrency: 5 * Number(process.env.BENCH_CONNECTIONS) },
);
