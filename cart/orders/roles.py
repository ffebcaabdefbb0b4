"""The roles in a vendor that see its orders."""

from vendors.models import Membership

ORDER_ROLES = frozenset({Membership.Role.OWNER, Membership.Role.ORDERS})
