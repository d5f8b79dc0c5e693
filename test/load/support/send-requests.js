const { Agent, request } = require('node:http');
const { setPriority } = require('node:os');
const { setTimeout: pause } = require('node:timers/promises');

/**
 * Sends requests from a separate process, so that the test runner and other senders do not delay it. It receives one
 * message with the requests (`Sending` in sender.ts), and sends back the list of outcomes.
 */
const MOST_OUTCOMES = 100_000;
const SENTENCE_LENGTH = 200;
const LONGEST_SENDING_MS = 30_000;

let stopped = false;

process.on('message', async (message) => {
  if (message === 'stop') {
    stopped = true;
    return;
  }
  stopped = false;
  process.send({ outcomes: await send(message) });
});

async function send({ requests, connections, times, forMs, pauseMs, timeoutMs, nice }) {
  setPriority(nice);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const until = performance.now() + forMs;
  const outcomes = [];
  let next = 0;
  const isOver = () =>
    stopped || next >= times || performance.now() > until || outcomes.length > MOST_OUTCOMES;
  const connection = async () => {
    while (!isOver()) {
      const index = next++ % requests.length;
      outcomes.push({ index, ...(await outcomeOf(agent, requests[index], timeoutMs)) });
      if (pauseMs > 0) await pause(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  agent.destroy();
  return outcomes;
}

function outcomeOf(agent, { method, url, headers, body, unfinished }, timeoutMs) {
  return new Promise((resolve) => {
    const begun = performance.now();
    let answered = false;
    const end = (status, sentence, bytes = 0) => {
      answered = true;
      clearTimeout(timer);
      resolve({ status, sentence, bytes, ms: performance.now() - begun });
    };
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const outgoing = request(url, { agent, method, headers: { ...headers, ...length } }, (answer) => {
      let bytes = 0;
      let text = '';
      answer.on('data', (chunk) => {
        bytes += chunk.length;
        if (text.length < SENTENCE_LENGTH) text += chunk.toString('utf8', 0, SENTENCE_LENGTH);
      });
      answer.on('end', () => end(answer.statusCode, answer.statusCode < 400 ? '' : text, bytes));
      answer.on('error', ({ code }) => end(answer.statusCode, String(code), bytes));
      // A server that refuses early does not read the rest of the body.
      if (unfinished) answer.on('end', () => outgoing.destroy());
    });
    outgoing.on('error', ({ code, message }) => end(0, String(code ?? message)));
    const giveUp = () => {
      end(0, `no answer in ${timeoutMs} ms`);
      outgoing.destroy();
    };
    let timer = setTimeout(giveUp, unfinished ? timeoutMs : timeoutMs + LONGEST_SENDING_MS);
    // A sender with low priority can need long to send a big body, so the timeout starts after the body is sent.
    outgoing.on('finish', () => {
      clearTimeout(timer);
      if (!answered) timer = setTimeout(giveUp, timeoutMs);
    });
    if (unfinished) outgoing.write(body.slice(0, -1));
    else outgoing.end(body);
  });
}
