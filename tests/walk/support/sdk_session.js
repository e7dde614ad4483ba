// Conversations with a server through the unmodified SDK; each prints what it saw as one JSON line.
'use strict';

const { Client } = require('@okta/okta-sdk-nodejs');

const [url, token, what, ...rest] = process.argv.slice(2);
const client = new Client({ orgUrl: url, token });

const DAY_MS = 24 * 3600 * 1000;
const brief = (hook) => [hook.status, hook.verificationStatus, hook.name];
const day = (offset) => new Date(Date.now() + offset * DAY_MS);

function hookOf(name, uri, filter) {
  return {
    name,
    events: { type: 'EVENT_TYPE', items: ['user.lifecycle.create', 'user.lifecycle.activate'], filter },
    channel: {
      type: 'HTTP',
      version: '1.0.0',
      config: {
        uri,
        headers: [{ key: 'X-Other', value: 'some' }],
        authScheme: { type: 'HEADER', key: 'Authorization', value: 's3cret value' },
      },
    },
  };
}

async function all(collection) {
  const found = [];
  await collection.each((one) => { found.push(one); });
  return found;
}

async function trouble(promise) {
  try {
    await promise;
  } catch (error) {
    return [error.status, error.errorCode, error.errorSummary];
  }
  return null;
}

const conversations = {
  async life(first, second) {
    const hooks = client.eventHookApi;
    const created = await hooks.createEventHook({ eventHook: hookOf('SDK hook', first) });
    const eventHookId = created.id;
    const seen = { id: eventHookId, created: brief(created) };
    seen.verified = brief(await hooks.verifyEventHook({ eventHookId }));
    seen.listed = (await all(await hooks.listEventHooks())).map((hook) => hook.id);
    seen.read = brief(await hooks.getEventHook({ eventHookId }));
    const replaced = await hooks.replaceEventHook({ eventHookId, eventHook: hookOf('SDK hook, renamed', second) });
    seen.replaced = brief(replaced);
    seen.replacedUri = replaced.channel.config.uri;
    seen.activeCannotGo = await trouble(hooks.deleteEventHook({ eventHookId }));
    seen.verifiedAgain = brief(await hooks.verifyEventHook({ eventHookId }));
    seen.deactivated = brief(await hooks.deactivateEventHook({ eventHookId }));
    seen.activated = brief(await hooks.activateEventHook({ eventHookId }));
    await hooks.deactivateEventHook({ eventHookId });
    await hooks.deleteEventHook({ eventHookId });
    seen.listedAfter = (await all(await hooks.listEventHooks())).map((hook) => hook.id);
    seen.gone = await trouble(hooks.getEventHook({ eventHookId }));
    return seen;
  },

  async filtered(uri) {
    const condition = { expression: "event.outcome.result eq 'FAILURE'", version: null };
    const filter = { type: 'EXPRESSION_LANGUAGE', eventFilterMap: [{ event: 'user.lifecycle.create', condition }] };
    const created = await client.eventHookApi.createEventHook({ eventHook: hookOf('filtered', uri, filter) });
    await client.eventHookApi.verifyEventHook({ eventHookId: created.id });
    const [entry] = created.events.filter.eventFilterMap;
    return { type: created.events.filter.type, event: entry.event, expression: entry.condition.expression };
  },

  // With an end, or it would be a poll, whose links never end; `times` is how the SDK is given them.
  async pages(filter, sortOrder, q) {
    const times = { since: day(-1).toISOString(), until: day(1).toISOString() };
    const asked = { ...times, filter: filter || undefined, q: q || undefined, limit: 10, sortOrder };
    const found = await all(await client.systemLogApi.listLogEvents(asked));
    return { uuids: found.map((one) => one.uuid), results: found.map((one) => one.outcome.result) };
  },

  async dates() {
    const log = client.systemLogApi;
    const asDate = await trouble(log.listLogEvents({ since: day(-1), until: day(1) }).then(all));
    const asText = await all(await log.listLogEvents({ since: day(-1).toISOString(), until: day(1).toISOString() }));
    return { asDate, asText: asText.length };
  },

  async badToken() {
    return { error: await trouble(client.eventHookApi.listEventHooks().then(all)) };
  },
};

conversations[what](...rest).then(
  (seen) => console.log(JSON.stringify(seen)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
