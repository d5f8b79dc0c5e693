import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

const compress = promisify(gzip);
const BEST_COMPRESSION = 9;

interface Content {
  whole: Buffer;
  gzipped: Buffer;
  /** Weak, so it is the same for every content coding. */
  etag: string;
}

/** A file that never changes while the process runs. The first request reads, compresses and hashes it. */
export class KeptFile {
  private content: Promise<Content> | null = null;

  constructor(
    private readonly mediaType: string,
    private readonly read: () => Promise<Buffer>,
  ) {}

  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    this.content ??= this.load().catch((error: unknown) => {
      this.content = null;
      throw error;
    });
    const { whole, gzipped, etag } = await this.content;
    void reply.headers({ 'Content-Type': this.mediaType, ETag: etag, Vary: 'Accept-Encoding' });
    if (knows(request.headers['if-none-match'], etag)) return reply.status(304).send();
    if (!takesGzip(request.headers['accept-encoding'])) return reply.send(whole);
    return reply.header('Content-Encoding', 'gzip').send(gzipped);
  }

  private async load(): Promise<Content> {
    const whole = await this.read();
    const hash = createHash('sha256').update(whole).digest('base64url');
    return { whole, gzipped: await compress(whole, { level: BEST_COMPRESSION }), etag: `W/"${hash}"` };
  }
}

/** Weak comparison: RFC 9110 §13.1.2. */
function knows(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag.replace(/^W\//, ''));
}

/** RFC 9110 §12.5.3: `gzip` is listed and its weight is not 0. */
function takesGzip(acceptEncoding: string | undefined): boolean {
  const coding = (acceptEncoding ?? '').split(',').map((part) =>
    part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/),
  );
  return coding.some(([name, ...rest]) => name === 'gzip' && !rest.some((one) => /^q=0(\.0*)?$/.test(one)));
}
