const { Agent, request } = require('node:http');
const { setPriority } = require('node:os');
const { setTimeout: pause } = require('node:timers/promises');

/**
 * Sends requests from a process of its own, so that neither the test runner nor another sender delays it. What it is
 * to send comes as one message (`Sending` in sender.ts); the answer is the list of outcomes.
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
      // Who refuses early does not read the rest.
      if (unfinished) answer.on('end', () => outgoing.destroy());
    });
    outgoing.on('error', ({ code, message }) => end(0, String(code ?? message)));
    const giveUp = () => {
      end(0, `no answer in ${timeoutMs} ms`);
      outgoing.destroy();
    };
    let timer = setTimeout(giveUp, unfinished ? timeoutMs : timeoutMs + LONGEST_SENDING_MS);
    // A sender that leaves the cores to others may take long to get a big body out: the answer's time counts from then.
    outgoing.on('finish', () => {
      clearTimeout(timer);
      if (!answered) timer = setTimeout(giveUp, timeoutMs);
    });
    if (unfinished) outgoing.write(body.slice(0, -1));
    else outgoing.end(body);
  });
}
