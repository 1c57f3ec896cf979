import {
  encodeFrame,
  FrameReader,
  linkCodec,
  linkProfiles,
  parseLinkProfile,
  responseMti,
} from '@tsunagu/protocols/iso8583';
import { secretPan, unwrap } from '@tsunagu/protocols/kit';

// A link profile is data: a shipped one, or the parsed JSON of a file.
const link = unwrap(parseLinkProfile(linkProfiles['generic-93']));
const codec = linkCodec(link);

// Card numbers, tracks and PIN blocks are secrets, other text is a string, binary is bytes.
const pan = secretPan('3528000000000007');
const fields = { 2: pan, 3: '000000', 4: '000000001980', 11: '000042', 41: 'T0000001', 49: '392' };
const stream = unwrap(encodeFrame(link.frame, unwrap(codec.encode({ mti: '1200', fields }))));

const reader = new FrameReader(link.frame);
for (const { message } of reader.push(stream).frames) {
  const decoding = codec.decode(message);
  if (!decoding.ok) throw new Error(`answer 904: ${decoding.fault.code} in element ${decoding.fault.field}`);
  const request = decoding.value;
  console.log(request.text(4)); // 000000001980
  console.log(JSON.stringify(request.span(11))); // {"offset":48,"length":6,"valueOffset":48}
  console.log(responseMti(request.mti)); // 1210
  console.log(String(request.value(2))); // [pan]
}

const cut = codec.decode(stream.subarray(2, 40));
if (!cut.ok) console.log(cut.fault.code, cut.fault.field, cut.fault.offset, cut.partial?.text(3)); // TRUNCATED 4 38 000000
