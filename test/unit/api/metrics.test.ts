import { makeMetrics } from '@tsunagu/fleet-server/metrics/index';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { describe, expect, it } from 'vitest';

describe('metrics', () => {
  it('counts what the rooms say, under names in base units, without serials', async () => {
    const metrics = makeMetrics(systemWorld(() => {}));
    metrics.gauge({
      terminals: async () => [{ model: 'CT-5100', link: 'ready', count: 3 }],
      links: async () => [
        { id: 'card-company-1', name: 'x', nameJa: 'x（日）', state: 'signed-on', since: '2026-01-01T00:00:00Z' },
      ],
      negative: async () => ({ list: 'regular', version: 7, overlaySeq: 2, entries: 90 }),
      switched: async () => ({
        links: [{ id: 'gift-1', state: 'up', inFlight: 3, queued: 2, dead: 1 }],
        alarmsUnseen: [
          { code: 'ISSUER_MAC_INVALID', count: 3 },
          { code: 'ISSUER_TIMEOUT', count: 2 },
        ],
      }),
      alarms: async () => [
        { code: 'CLONE_SUSPECTED', count: 4 },
        { code: 'MADE_UP', count: 1 },
        { code: 'MADE_UP_TOO', count: 1 },
      ],
      downlinks: () => 12,
      streams: () => 1,
      lowStock: async () => 4,
      expiry: async () => ({
        earliest: { serial: serialSchema.parse('CT5100-0001'), lastDay: '2027-01-31', first: 'root' },
        near: 2,
        urgent: 1,
        passed: 0,
      }),
    });
    metrics.meters.sales.ended({ outcome: 'approved', decidedBy: 'issuer', seconds: 0.08 });
    for (const code of ['000', '000', '116', 'X']) metrics.meters.issuers.answered('gift-1', code, 0.3);
    metrics.meters.broker.passed('up', 'hello');
    metrics.meters.broker.dropped();
    metrics.meters.jobs.entered('key.load', 'succeeded');
    const listener = unwrap(await metrics.listen('127.0.0.1', 0));
    const text = await (await fetch(listener.url)).text();
    const other = await fetch(listener.url.replace('/metrics', '/'));
    await listener.close();
    expect(text).toContain('tsunagu_terminals{model="CT-5100",link="ready"} 3');
    expect(text).toContain('tsunagu_sales_total{outcome="approved",decided_by="issuer"} 1');
    expect(text).toContain('tsunagu_sale_duration_seconds_bucket{le="0.1",decided_by="issuer"} 1');
    expect(text).toContain('tsunagu_switch_issuer_answer_seconds_bucket{le="0.2",link="gift-1"} 0');
    expect(text).toContain('tsunagu_switch_issuer_answer_seconds_bucket{le="0.4",link="gift-1"} 4');
    expect(text).toContain('tsunagu_switch_issuer_answers_total{link="gift-1",action_code="000"} 2');
    expect(text).toContain('tsunagu_switch_issuer_answers_total{link="gift-1",action_code="116"} 1');
    expect(text).toContain('tsunagu_switch_issuer_answers_total{link="gift-1",action_code="other"} 1');
    expect(text).toContain('tsunagu_broker_messages_total{direction="up",kind="hello"} 1');
    expect(text).toContain('tsunagu_broker_downlinks_dropped_total 1');
    expect(text).toContain('tsunagu_broker_downlinks_waiting 12');
    expect(text).toContain('tsunagu_job_transitions_total{type="key.load",state="succeeded"} 1');
    expect(text).toContain('tsunagu_negative_version{list="regular"} 7');
    expect(text).toContain('tsunagu_expiry_terminals{level="urgent"} 1');
    expect(text).toContain(`tsunagu_expiry_last_day_timestamp_seconds ${Date.UTC(2027, 1, 1) / 1_000}`);
    expect(text).toContain('tsunagu_stock_low_parts 4');
    expect(text).toContain('tsunagu_switch_link_up{link="gift-1"} 0.5');
    expect(text).toContain('tsunagu_switch_link_in_flight{link="gift-1"} 3');
    expect(text).toContain('tsunagu_switch_advices_queued{link="gift-1"} 2');
    expect(text).toContain('tsunagu_switch_advices_dead{link="gift-1"} 1');
    expect(text).toContain('tsunagu_switch_alarms_unseen 5');
    expect(text).toContain('tsunagu_alarms_unseen{of="switch",code="ISSUER_MAC_INVALID"} 3');
    expect(text).toContain('tsunagu_alarms_unseen{of="terminals",code="CLONE_SUSPECTED"} 4');
    expect(text).toContain('tsunagu_alarms_unseen{of="terminals",code="other"} 2');
    expect(text).toMatch(/^tsunagu_process_resident_memory_bytes \d/m);
    expect(text).not.toMatch(/serial=/);
    expect(other.status).toBe(404);
  });

  it('names a port that is taken', async () => {
    const metrics = makeMetrics(systemWorld(() => {}));
    const listener = unwrap(await metrics.listen('127.0.0.1', 0));
    const port = Number(new URL(listener.url).port);
    expect(await metrics.listen('127.0.0.1', port)).toMatchObject({ ok: false, fault: { code: 'PORT_TAKEN' } });
    await listener.close();
  });
});
