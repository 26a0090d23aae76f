import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Session {
  readonly pid: number;
  mark: string | null;
  isBusy: boolean;
}

interface Behaviour {
  /** How many connections to Postgres clients share between transactions, as pgbouncer does in its pool mode `transaction`. */
  readonly sessions: number;
  /** A parameter of the start that it refuses. */
  readonly refuses?: string;
  /** What the server says of itself. */
  readonly encoding?: string;
  readonly standby?: boolean;
}

/** What the start of the service asks a pooler in front of Postgres, which isn't there: it knows no other questions. */
export class FakePooler {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly sessions: Session[];

  private constructor(private readonly behaviour: Behaviour) {
    this.sessions = Array.from({ length: behaviour.sessions }, (_, at) => ({
      pid: at + 1,
      mark: null,
      isBusy: false,
    }));
    this.server = createServer((socket) => this.take(socket));
  }

  static async start(behaviour: Behaviour): Promise<FakePooler> {
    const pooler = new FakePooler(behaviour);
    pooler.server.listen(0, '127.0.0.1');
    await once(pooler.server, 'listening');
    return pooler;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `postgres://user:secret@127.0.0.1:${port}/runs`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private take(socket: Socket): void {
    this.sockets.add(socket);
    let received = Buffer.alloc(0);
    let isStarted = false;
    let held: Session | undefined;
    const answer = (text: string): Buffer => {
      // The last one that was given back is the next that is given out.
      const session = held ?? this.sessions.findLast(({ isBusy }) => !isBusy)!;
      if (text === 'BEGIN') {
        held = session;
        session.isBusy = true;
      }
      if (text.includes('set_config')) session.mark = /'([^']*)', false/.exec(text)![1]!;
      return text.includes('pg_backend_pid') ? this.facts(session) : message('C', 'SELECT 1\0');
    };
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data]);
      for (;;) {
        const header = isStarted ? 1 : 0;
        if (received.length < header + 4 || received.length < header + received.readInt32BE(header)) return;
        const end = header + received.readInt32BE(header);
        const [type, body] = [
          received.toString('latin1', 0, header),
          received.toString('utf8', header + 4, end),
        ];
        received = received.subarray(end);
        if (!isStarted) socket.write(this.greeting(body));
        else if (type === 'Q') socket.write(Buffer.concat([answer(body.slice(0, -1)), READY]));
        else if (type === 'X') socket.end();
        isStarted = true;
      }
    });
  }

  private greeting(parameters: string): Buffer {
    const { refuses } = this.behaviour;
    if (refuses === undefined || !parameters.includes(refuses))
      return Buffer.concat([message('R', Buffer.alloc(4)), READY]);
    return message('E', `SFATAL\0C08P01\0Munsupported startup parameter: ${refuses}\0\0`);
  }

  private facts({ pid, mark }: Session): Buffer {
    const { encoding = 'UTF8', standby = false } = this.behaviour;
    const row = { pid: [23, String(pid)], mark: [25, mark], encoding: [25, encoding] } as const;
    const rest = { standby: [16, standby ? 't' : 'f'], readonly: [25, 'off'] } as const;
    const columns = Object.entries({ ...row, ...rest });
    const names = columns.map(([name, [type]]) => {
      const numbers = Buffer.alloc(18);
      numbers.writeInt32BE(type, 6);
      return Buffer.concat([Buffer.from(`${name}\0`), numbers]);
    });
    const values = columns.map(([, [, value]]) =>
      value === null ? int32(-1) : Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]),
    );
    const count = Buffer.from([0, columns.length]);
    return Buffer.concat([
      message('T', Buffer.concat([count, ...names])),
      message('D', Buffer.concat([count, ...values])),
      message('C', 'SELECT 1\0'),
    ]);
  }
}

function message(type: string, body: Buffer | string): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return Buffer.concat([Buffer.from(type), int32(bytes.length + 4), bytes]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const READY = message('Z', 'I');
