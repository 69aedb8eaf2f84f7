-- The action "lock": whether a request passes the policy in txn.policy. src/skerry/locks/ decides the same in Python.
--
-- A policy is "ID." and its normal form: JSON as base64url, docs/explanation/locks.md. It is read once and kept until the map has
-- another one, and with it what it has found out: so a change of a policy forgets every token that the one before let in.
-- An error in here leaves txn.verdict unset, and the proxy refuses that.
local cjson = require "cjson.safe"
local digest = require "openssl.digest"
local hmac = require "openssl.hmac"
local pkey = require "openssl.pkey"

local LONGEST = 8192      -- bytes of a token
local LONGEST_SUBJECT = 256
local MOST_SEEN = 1000    -- tokens of a group whose signature is remembered
local SKEW = 30           -- seconds that an issuer's clock may be ahead
local LATEST = 9007199254740992

cjson.decode_invalid_numbers(false)
cjson.decode_max_depth(32)

local DIGITS = {}
for digit = 1, 64 do
    DIGITS[("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"):byte(digit)] = digit - 1
end

-- Base64url without padding, in its one canonical form only; nil for all else.
local function decoded(text)
    local out, bits, held = {}, 0, 0
    for at = 1, #text do
        local digit = DIGITS[text:byte(at)]
        if not digit then return nil end
        held, bits = (held << 6) | digit, bits + 6
        if bits >= 8 then
            bits = bits - 8
            out[#out + 1] = string.char(held >> bits)
            held = held & ((1 << bits) - 1)
        end
    end
    if held ~= 0 or bits == 6 then return nil end
    return table.concat(out)
end

local function same(one, other)
    if #one ~= #other then return false end
    local differs = 0
    for at = 1, #one do differs = differs | (one:byte(at) ~ other:byte(at)) end
    return differs == 0
end

local function read(text)
    local policy = cjson.decode(decoded(text:sub(26)))
    policy.salt = decoded(policy.salt)
    for _, group in ipairs(policy.groups) do
        if group.ip then
            local networks = {}
            for _, one in ipairs(group.ip) do networks[#networks + 1] = core.parse_addr(one) end
            assert(#networks == #group.ip)
            group.ip = networks
        end
        if group.secrets then
            local secrets = {}
            for text, one in pairs(group.secrets) do secrets[decoded(text)] = one end
            group.secrets = secrets
        end
        if group.jwt then
            group.seen, group.count = {}, 0
            for _, key in pairs(group.jwt.keys) do
                key.value = key.alg == "HS256" and decoded(key.key) or pkey.new(key.key)
            end
        end
    end
    return policy
end

local policies = {}

local function policy_of(text)
    local id = text:sub(1, 24)
    local kept = policies[id]
    if not kept or kept.text ~= text then
        kept = { text = text, policy = read(text) }
        policies[id] = kept
    end
    return kept.policy
end

-- ASN.1, as OpenSSL wants it, of the two numbers that a token has one behind the other.
local function as_der(signature)
    local out = ""
    for at = 1, 33, 32 do
        local number = signature:sub(at, at + 31):gsub("^%z+", "")
        if number == "" or number:byte(1) >= 128 then number = "\0" .. number end
        out = out .. "\2" .. string.char(#number) .. number
    end
    return "\48" .. string.char(#out) .. out
end

local function signed(key, text, signature)
    if key.alg == "HS256" then return same(hmac.new(key.value, "sha256"):final(text), signature) end
    if key.alg == "ES256" then
        if #signature ~= 64 then return false end
        signature = as_der(signature)
    end
    return key.value:verify(signature, digest.new("sha256"):update(text))
end

local function any_of(value, allowed)
    for _, one in ipairs(type(value) == "table" and value or { value }) do
        if type(one) == "string" then
            for _, right in ipairs(allowed) do
                if one == right then return true end
            end
        end
    end
    return false
end

local function is_time(value)
    return type(value) == "number" and value > -LATEST and value < LATEST
end

local function key_of(jwt, kid)
    if jwt.keys[""] then return jwt.keys[""] end
    if kid ~= nil then return type(kid) == "string" and jwt.keys[kid] or nil end
    local first = next(jwt.keys)
    return next(jwt.keys, first) == nil and jwt.keys[first] or nil
end

-- What a token says, where a key of the policy has signed it and it is the policy's issuer that speaks to its audience.
local function verified(jwt, token)
    local head, body, tail = token:match("^([%w_-]+)%.([%w_-]+)%.([%w_-]+)$")
    if not head then return nil end
    local header, claims, signature = decoded(head), decoded(body), decoded(tail)
    if not (header and claims and signature) then return nil end
    if not (utf8.len(header) and utf8.len(claims)) then return nil end
    header, claims = cjson.decode(header), cjson.decode(claims)
    if type(header) ~= "table" or type(claims) ~= "table" or header.crit ~= nil then return nil end
    local key = key_of(jwt, header.kid)
    if not key or header.alg ~= key.alg or not signed(key, head .. "." .. body, signature) then return nil end
    if not is_time(claims.exp) or (claims.nbf ~= nil and not is_time(claims.nbf)) then return nil end
    if jwt.issuer and claims.iss ~= jwt.issuer then return nil end
    if jwt.audience and not any_of(claims.aud, jwt.audience) then return nil end
    for name, allowed in pairs(jwt.claims) do
        if not any_of(claims[name], allowed) then return nil end
    end
    local subject = type(claims.sub) == "string" and claims.sub or ""
    if #subject > LONGEST_SUBJECT then return nil end
    return { exp = claims.exp, nbf = (claims.nbf or 0) - SKEW, subject = subject }
end

local function by_jwt(group, token, now)
    local found = group.seen[token]
    if not found then
        found = verified(group.jwt, token)
        if not found then return nil end
        if group.count >= MOST_SEEN then group.seen, group.count = {}, 0 end
        group.seen[token], group.count = found, group.count + 1
    end
    return now < found.exp and now >= found.nbf and found.subject or nil
end

-- The one credential that a source of a group has; nil where it has none, or more than one.
local function shown(txn, source)
    local kind, name = source:match("^(%a+):(.*)$")
    if kind == "cookie" then
        return tonumber(txn.sf:req_cook_cnt(name)) == 1 and txn.sf:req_cook(name) or nil
    end
    if tonumber(txn.sf:req_fhdr_cnt(name)) ~= 1 then return nil end
    return txn.sf:req_fhdr(name)
end

local function credential(txn, group)
    for _, source in ipairs(group.from) do
        local text = shown(txn, source)
        if text and source == "header:authorization" then
            local scheme, rest = text:match("^(%a+) +([^ ]+)$")
            text = scheme and scheme:lower() == group.scheme and rest or nil
        end
        if text and #text > 0 then return #text <= LONGEST and text or nil end
    end
    return nil
end

local function within(networks, address)
    for _, network in ipairs(networks) do
        if core.match_addr(address, network) then return true end
    end
    return false
end

-- Whether a group's conditions hold, and for whom; and whether all but a credential do.
local function matches(txn, policy, group, address, now)
    if group.ip and not within(group.ip, address) then return nil, false end
    if not group.from then return "", false end
    local text = credential(txn, group)
    if not text then return nil, true end
    if group.jwt then return by_jwt(group, text, now), true end
    local found = group.secrets[hmac.new(policy.salt, "sha256"):final(text)]
    if not found or (found.expires and now >= found.expires) then return nil, true end
    return found.subject, true
end

local function without_cookie(txn, name)
    local kept, found = {}, txn.http:req_get_headers()["cookie"] or {}
    for at = 0, #found do
        for pair in (found[at] or ""):gmatch("[^;]+") do
            pair = pair:gsub("^%s+", "")
            -- What stands behind a comma or in quotes is a cookie to some and none to others: that goes as well.
            local hidden = pair:find('[,"]') and pair:find(name, 1, true)
            if not hidden and pair:match("^([^=]-)%s*=") ~= name then kept[#kept + 1] = pair end
        end
    end
    txn.http:req_del_header("cookie")
    if #kept > 0 then txn.http:req_add_header("cookie", table.concat(kept, "; ")) end
end

-- The program gets to know who asks, and not by which secret: not one of another group either.
local function hide(txn, policy)
    for _, source in ipairs(policy.from) do
        local kind, name = source:match("^(%a+):(.*)$")
        if kind == "header" then
            txn.http:req_del_header(name)
        elseif tonumber(txn.sf:req_fhdr_cnt("cookie")) > 0 then
            without_cookie(txn, name)
        end
    end
end

local function allow(txn, policy, why, subject)
    hide(txn, policy)
    txn:set_var("txn.why", why)
    if subject then
        txn:set_var("txn.group", why)
        if subject ~= "" then
            txn:set_var("txn.subject", (subject:gsub("[^\x21-\x24\x26-\x7e]", function(byte)
                return ("%%%02X"):format(byte:byte())
            end)))
        end
    end
    txn:set_var("txn.verdict", "allow")
end

local function refuse(txn, verdict, why)
    txn:set_var("txn.why", why)
    txn:set_var("txn.verdict", verdict)
end

core.register_action("lock", { "http-req" }, function(txn)
    local policy = policy_of(txn:get_var("txn.policy"))
    if not policy.enabled then return refuse(txn, "deny", "off") end
    local address, now = core.parse_addr(txn.sf:src()), core.now().sec
    local basic, bearer = false, false
    for _, group in ipairs(policy.groups) do
        local subject, needs = matches(txn, policy, group, address, now)
        if subject then
            if group.deny then return refuse(txn, "deny", group.name) end
            return allow(txn, policy, group.name, subject)
        end
        if needs and not group.deny then
            basic, bearer = basic or group.scheme == "basic", bearer or group.scheme == "bearer"
        end
    end
    if policy.default == "allow" then return allow(txn, policy, "default") end
    local asks = basic and (bearer and "both" or "basic") or (bearer and "bearer" or "deny")
    refuse(txn, asks, "none")
end)
