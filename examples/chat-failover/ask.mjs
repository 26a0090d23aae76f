/** Asks the chat by the client library of OpenAI, and shows each piece as it comes: `node examples/chat-failover/ask.mjs 'Hello?'`. */
import OpenAI from 'openai';

const [question = 'Hello?', baseURL = 'http://127.0.0.1:3000/openai/chat/v1'] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: process.env.FRONTRUNNER_KEY ?? 'none', maxRetries: 0 });

const stream = await client.chat.completions.create({
  model: 'any',
  messages: [{ role: 'user', content: question }],
  stream: true,
  stream_options: { include_usage: true },
});
for await (const { choices, usage } of stream) {
  process.stdout.write(choices[0]?.delta.content ?? '');
  if (usage) process.stdout.write(`\n(${usage.completion_tokens} tokens)\n`);
}
