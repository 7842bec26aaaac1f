"""The JX-V4 code tables: states, alarms, stop reasons, transaction and card kinds.

Source: public dispenser firmware and host programs of the JX family; UNVERIFIED
against a real dispenser.
"""

from cngstation.protocols.dispenser.canonical import (
    CardKind,
    DebitKind,
    DeviceKind,
    Fault,
    FuellingState,
    StopReason,
    TransactionType,
)

STATES = {
    0xA0: FuellingState.CLOSED,  # off duty
    0xA1: FuellingState.IDLE,
    0xA2: FuellingState.IDLE,  # small pre-cool loop
    0xA3: FuellingState.IDLE,  # large pre-cool loop
    0xA4: FuellingState.FUELLING,
    0xA5: FuellingState.SUSPENDED_FUELLING,  # awaiting debit
    0xA6: FuellingState.CLOSED,
    0xA7: FuellingState.IDLE,  # other side fills
    0xF0: FuellingState.CLOSED,  # locked
    0xF1: FuellingState.INOPERATIVE,
}
OFF_DUTY, AWAITING_DEBIT, OTHER_SIDE_BUSY, LOCKED = 0xA0, 0xA5, 0xA7, 0xF0

DEVICES = {
    0: DeviceKind.LNG,
    1: DeviceKind.CNG,
    2: DeviceKind.FILLING_POST,
    3: DeviceKind.UNLOADING_POST,
}
ALARMS: tuple[Fault, ...] = (  # from bit 0
    Fault.FLASH_A_CHECK,
    Fault.FLASH_B_CHECK,
    Fault.FLASH_A_WRITE,
    Fault.FLASH_A_READ,
    Fault.FLASH_B_WRITE,
    Fault.FLASH_B_READ,
    Fault.INTERNAL_MEMORY_WRITE,
    Fault.INTERNAL_MEMORY_READ,
    Fault.EXTERNAL_MEMORY_WRITE,
    Fault.EXTERNAL_MEMORY_READ,
    Fault.MEMORY_COPIES_DIFFER,
    Fault.FRAM,
    Fault.GAS_METER_SILENT,
    Fault.LIQUID_METER_SILENT,
    Fault.PRESSURE_SENSOR,
)
TRANSACTIONS = {
    0: TransactionType.NORMAL,
    1: TransactionType.GREY,
    2: TransactionType.MAKE_UP_DEBIT,
    3: TransactionType.SUPPLEMENT,
    0xFF: TransactionType.GREY,
}
CARD_KINDS = {1: CardKind.STORED_VALUE, 2: CardKind.CREDIT}
DEBIT_KINDS = {0: DebitKind.DEBIT, 1: DebitKind.UNLOCK}
DEBIT_CODES = {kind: code for code, kind in DEBIT_KINDS.items()}
STOPS = {
    0: StopReason.MANUAL,
    1: StopReason.GAS_METER_FAULT,
    2: StopReason.LIQUID_METER_FAULT,
    3: StopReason.MEASUREMENT_FAULT,
    4: StopReason.PRESSURE_SENSOR_FAULT,
    5: StopReason.POWER_LOSS,
    6: StopReason.QUANTITY_PRESET,
    7: StopReason.AMOUNT_PRESET,
    8: StopReason.LOW_FLOW,
    9: StopReason.HIGH_FLOW,
    10: StopReason.RETURN_DENSITY,
    11: StopReason.RETURN_GAIN,
    12: StopReason.OVER_PRESSURE,
    13: StopReason.DRIVE_OFF,
    14: StopReason.ACCOUNT_LIMIT,
    15: StopReason.SINGLE_FILL_LIMIT,
    0xFF: StopReason.NO_FILL,
}
