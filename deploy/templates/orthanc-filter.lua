-- Only the portal, and only from this machine. Registering a user is not enough:
-- Orthanc gives every registered user every method.
function IncomingHttpRequestFilter(method, uri, ip, username, httpHeaders)
  if username ~= '@USER@' then
    return false
  end
  return ip == '127.0.0.1' or ip == '::1' or ip == '::ffff:127.0.0.1'
end
