// Runs in the guest: a terminal's card side with real readers over the usb package, and a switch in this process. Prints one JSON object.
import { TerminalCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { realCard } from '@tsunagu/protocols/fleet';
import { systemWorld } from '@tsunagu/protocols/world';
import { loopbackSwitch } from '../../unit/bridge/support/loopback-switch.ts';
import { memoryPorts } from '../../unit/bridge/support/memory-ports.ts';

const world = systemWorld((_level, event, facts) => console.error(JSON.stringify({ event, ...facts })));
const model = modelOf('CT-5100');
if (model === undefined) throw new Error('no such model');
const centre = await loopbackSwitch();
const memory = await memoryPorts(centre.acquirer);
// The switch shares an emulated processor with the terminal.
memory.configuration = { ...memory.configuration, answerTimeoutMs: 30_000 };
const side = await TerminalCardSide.open({ world, model, ports: memory.ports, readers: 'usb' });
const steps: string[] = [];
const sale = await side.run({ kind: 'sale', card: realCard, amountMinor: 1_280 }, (step) => void steps.push(step));
console.log(JSON.stringify({ sale, steps }));
process.exit(0);
