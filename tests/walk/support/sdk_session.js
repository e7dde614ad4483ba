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

function overHttp(uri) {
  const authScheme = { type: 'HEADER', key: 'Authorization', value: 's3cret value' };
  return { type: 'HTTP', version: '1.0.0', config: { uri, method: 'POST', headers: [], authScheme } };
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

  async inline(first, second) {
    const hooks = client.inlineHookApi;
    const type = 'com.okta.oauth2.tokens.transform';
    const of = (name, uri) => ({ name, version: '1.0.0', channel: overHttp(uri) });
    const shown = (hook) => [hook.status, hook.name, hook.type, hook.channel.config.uri];
    const { id: inlineHookId } = await hooks.createInlineHook({ inlineHook: { ...of('SDK', first), type } });
    const seen = { id: inlineHookId, read: shown(await hooks.getInlineHook({ inlineHookId })) };
    seen.listed = (await all(await hooks.listInlineHooks({ type }))).map((hook) => hook.id);
    seen.others = await all(await hooks.listInlineHooks({ type: 'com.okta.import.transform' }));
    seen.replaced = shown(await hooks.replaceInlineHook({ inlineHookId, inlineHook: of('SDK, renamed', second) }));
    seen.updated = shown(await hooks.updateInlineHook({ inlineHookId, inlineHook: of('SDK, changed', first) }));
    seen.activeCannotGo = await trouble(hooks.deleteInlineHook({ inlineHookId }));
    seen.deactivated = shown(await hooks.deactivateInlineHook({ inlineHookId }));
    seen.activated = shown(await hooks.activateInlineHook({ inlineHookId }));
    await hooks.deactivateInlineHook({ inlineHookId });
    await hooks.deleteInlineHook({ inlineHookId });
    seen.gone = await trouble(hooks.getInlineHook({ inlineHookId }));
    return seen;
  },

  async execute(uri, payload) {
    const hooks = client.inlineHookApi;
    const type = 'com.okta.import.transform';
    const inlineHook = { name: 'executed', type, version: '1.0.0', channel: overHttp(uri) };
    const { id: inlineHookId } = await hooks.createInlineHook({ inlineHook });
    const payloadData = JSON.parse(payload);
    const seen = { answered: await hooks.executeInlineHook({ inlineHookId, payloadData }) };
    seen.error = await trouble(hooks.executeInlineHook({ inlineHookId, payloadData }));
    seen.other = await trouble(hooks.executeInlineHook({ inlineHookId, payloadData }));
    await hooks.deactivateInlineHook({ inlineHookId });
    seen.inactive = await trouble(hooks.executeInlineHook({ inlineHookId, payloadData }));
    await hooks.deleteInlineHook({ inlineHookId });
    return seen;
  },

  async keys(uri) {
    const keys = client.hookKeyApi;
    const made = await keys.createHookKey({ keyRequest: { name: 'SDK key' } });
    const hookKeyId = made.id;
    const seen = { id: hookKeyId, keyId: made.keyId, made: [made.name, made.isUsed, made._embedded.kid] };
    seen.listed = (await all(await keys.listHookKeys())).map((key) => key.id);
    seen.public = (await keys.getPublicKey({ keyId: made.keyId })).kid;
    seen.renamed = (await keys.replaceHookKey({ hookKeyId, keyRequest: { name: 'SDK key, renamed' } })).name;
    const config = { uri, method: 'POST', authType: 'private_key_jwt', clientId: 'tenterhook', tokenUrl: uri, hookKeyId };
    const channel = { type: 'OAUTH', version: '1.0.0', config };
    const inlineHook = { name: 'signs', type: 'com.okta.import.transform', version: '1.0.0', channel };
    const { id: inlineHookId } = await client.inlineHookApi.createInlineHook({ inlineHook });
    seen.used = [(await keys.getHookKey({ hookKeyId })).isUsed, await trouble(keys.deleteHookKey({ hookKeyId }))];
    await client.inlineHookApi.deactivateInlineHook({ inlineHookId });
    await client.inlineHookApi.deleteInlineHook({ inlineHookId });
    await keys.deleteHookKey({ hookKeyId });
    seen.gone = await trouble(keys.getHookKey({ hookKeyId }));
    return seen;
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
